"""What a request on a link may end with besides a reply: signals among ourselves, never seen by users."""

from __future__ import annotations

import math

import hiredis

__all__ = ["Lost", "NotSent", "Overdue", "Refused", "Signal"]


class Signal(Exception):
    """The request was not answered; ``expires`` (``time.monotonic()``) is when it must end."""

    def __init__(self, expires: float = math.inf) -> None:
        super().__init__(expires)
        self.expires = expires


class NotSent(Signal):
    """No byte of it left: there is no link, or no room on it, or it has another way to go."""


class Overdue(Signal):
    """Its deadline passed; the reply will be dropped when it comes."""


class Lost(Signal):
    """The link broke under it: what the server did is not known."""

    def __init__(self, expires: float, cause: BaseException) -> None:
        super().__init__(expires)
        self.__cause__ = cause


class Refused(hiredis.ReplyError):
    """The server answered with an error."""

    expires: float = math.inf

    @property
    def code(self) -> str:
        """Return the first word, which tells what kind of error it is."""
        return str(self).partition(" ")[0]
