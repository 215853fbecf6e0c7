"""Tells the log when a server is lost, and when it is back: once each."""

from __future__ import annotations

import time
from collections.abc import Callable

from .tasks import logger

__all__ = ["OutageLog"]

_QUIET = 10.0
"""Seconds after a warning for which the next one is left out: a server that comes and goes."""


class OutageLog:
    """What is told of one backend; ``what`` was lost; ``over`` is called when it is back."""

    def __init__(
        self,
        describe: Callable[[], str],
        what: str = "the server is",
        over: Callable[[], None] = lambda: None,
    ) -> None:
        self._describe = describe
        self._what = what
        self._over = over
        self._since: float | None = None
        self._warned = float("-inf")
        self._told = False

    @property
    def is_open(self) -> bool:
        """Whether nobody answers, as far as is known."""
        return self._since is not None

    def begin(self, reason: str) -> None:
        """Note that nobody answers."""
        if self._since is not None:
            return

        self._since = now = time.monotonic()
        self._told = now - self._warned >= _QUIET

        if self._told:
            self._warned = now
            text = " ".join(reason.split())
            logger.warning("%s: %s lost: %s", self._describe(), self._what, text)

    def end(self) -> None:
        """Note that somebody answers."""
        if self._since is None:
            return

        since, self._since = self._since, None

        if self._told:
            away = time.monotonic() - since
            logger.info("%s: %s back after %.1f s", self._describe(), self._what, away)

        self._over()
