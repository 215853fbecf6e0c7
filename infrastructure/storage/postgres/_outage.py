"""Tells the log when the server is lost, and when it is back: once each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..._core.tasks import logger
from ...interfaces.exceptions import ConnectionError, TimeoutError
from ._wire import Wire

__all__ = ["Outage"]

_QUIET = 10.0
"""Seconds after a warning for which the next one is left out: a server that comes and goes."""


class Outage:
    """It begins when the last connection broke, or none can be made; the next one made ends it."""

    def __init__(self, describe: Callable[[], str]) -> None:
        self._describe = describe
        self._open = 0
        self._was_there = False
        self._since: float | None = None
        self._warned = float("-inf")
        self._told = False

    def opened(self, ended: Callable[[Wire], None]) -> Callable[[Wire], None]:
        """Count a connection; return what is to be called, in the place of ``ended``, at its end."""
        self._open += 1

        def noted(wire: Wire) -> None:
            self._open -= 1

            if wire.broke and not self._open:
                self._begin(wire.reason)

            ended(wire)

        return noted

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note whether a connection can be made."""
        try:
            yield
        except (ConnectionError, TimeoutError) as exc:
            if self._was_there:
                self._begin(str(exc))

            raise

        self._was_there = True
        self._end()

    def _begin(self, reason: str) -> None:
        if self._since is not None:
            return

        self._since = now = time.monotonic()
        self._told = now - self._warned >= _QUIET

        if self._told:
            self._warned = now
            text = " ".join(reason.split())
            logger.warning("%s: the server is lost: %s", self._describe(), text)

    def _end(self) -> None:
        since, self._since = self._since, None

        if since is not None and self._told:
            away = time.monotonic() - since
            logger.info("%s: the server is back after %.1f s", self._describe(), away)
