"""What may stand in the queue of a link, and take the reply that comes when it is at the head."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Protocol

from hiredis import pack_command

from ._signals import Lost, Refused

__all__ = ["OUT_OF_STEP", "Command", "Doubted", "Lead", "Probe", "Sink", "Timed"]

Command = tuple[str | bytes | int, ...]

OUT_OF_STEP = "an answer came that is none to what was asked"

_numbers = count()


class Sink(Protocol):
    """Takes one reply: a future does."""

    def done(self) -> bool:
        """Return whether nobody waits for it any more."""
        ...

    def set_result(self, reply: Any, /) -> object:
        """Take the reply."""
        ...

    def set_exception(self, error: BaseException, /) -> object:
        """Take what came in its place."""
        ...


class Timed:
    """The future of a request with an instant of its own."""

    __slots__ = ("done", "expires", "set_exception", "set_result")

    def __init__(self, future: asyncio.Future[Any], expires: float) -> None:
        self.expires = expires
        self.done = future.done
        self.set_result = future.set_result
        self.set_exception = future.set_exception


class Lead:
    """A command that goes out just before another, and whose reply nobody waits for.

    ``astray``  called when the server has it asked elsewhere, and perhaps takes the other one.
    """

    def __init__(self, command: Command, astray: Callable[[], object]) -> None:
        self.request: bytes = pack_command(command)  # type: ignore[arg-type]  # its stub knows one-tuples only
        self._astray = astray

    def done(self) -> bool:
        """Return ``False``: an error counts however late it is."""
        return False

    def set_result(self, reply: Any) -> None:
        """Look whether it is to go elsewhere; what else is refused is so for the other one, too."""
        if type(reply) is Refused and reply.code == "ASK":
            self._astray()

    def set_exception(self, error: BaseException) -> None:
        """Do nothing: the other one gets it too."""


class Doubted:
    """A request that was sent to a server which is no primary any more.

    What it refuses goes on elsewhere; what it acknowledges is lost with what it has stored since.
    """

    __slots__ = ("_set_result", "done", "expires", "set_exception")

    def __init__(self, sink: Sink, expires: float) -> None:
        self.expires = expires
        self.done = sink.done
        self.set_exception = sink.set_exception
        self._set_result = sink.set_result

    def set_result(self, reply: Any) -> None:
        """Take a refusal; all else is as if nothing had come."""
        if type(reply) is Refused:
            self._set_result(reply)
        else:
            error = ConnectionAbortedError(
                "it was answered by a server that is no primary any more"
            )
            self.set_exception(Lost(self.expires, error))


class Probe:
    """A question that only its own answer fits, among the requests of a link.

    A damaged length in the stream, or an answer that nobody asked for, shifts all later ones by
    one, and each still looks right to who gets it.

    ``failed``  called when another answer comes.
    """

    def __init__(self, failed: Callable[[BaseException], None], asked: float) -> None:
        text = b"step %d" % next(_numbers)
        self.request = b"*2\r\n$4\r\nPING\r\n$%d\r\n%b\r\n" % (len(text), text)
        self._text = text
        self._failed = failed
        self._asked = asked
        self._pending = True

    def is_over(self, instant: float) -> bool:
        """Return whether it is answered, and was asked before ``instant``."""
        return not self._pending and self._asked <= instant

    def done(self) -> bool:
        """Return ``False``: the answer counts however late it is."""
        return False

    def set_result(self, reply: Any) -> None:
        """Compare; an error says nothing, a server may forbid PING or be loading."""
        self._pending = False

        if reply != self._text and not isinstance(reply, Refused):
            self._failed(ConnectionResetError(OUT_OF_STEP))

    def set_exception(self, error: BaseException) -> None:
        """Wait on."""
