"""Tells the log when the server is lost, and when it is back: once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..._core.outage import OutageLog
from ...interfaces.exceptions import ConnectionError, TimeoutError
from ._wire import Wire

__all__ = ["Outage"]


class Outage:
    """It begins when the last connection broke, or none can be made; the next one made ends it."""

    def __init__(self, describe: Callable[[], str]) -> None:
        self._log = OutageLog(describe)
        self._open = 0
        self._was_there = False

    def opened(self, ended: Callable[[Wire], None]) -> Callable[[Wire], None]:
        """Count a connection; return what is to be called, in the place of ``ended``, at its end."""
        self._open += 1

        def noted(wire: Wire) -> None:
            self._open -= 1

            if wire.broke and not self._open:
                self._log.begin(wire.reason)

            ended(wire)

        return noted

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note whether a connection can be made."""
        try:
            yield
        except (ConnectionError, TimeoutError) as exc:
            if self._was_there:
                self._log.begin(str(exc))

            raise

        self._was_there = True
        self._log.end()
