"""Whoever goes last puts out the light."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

__all__ = ["Last"]


class Last:
    """Calls ``farewell`` when as many have gone as came, on the thread of the last one."""

    def __init__(self, farewell: Callable[[], object]) -> None:
        self._farewell = farewell
        self._lock = Lock()
        self._present = 0

    def came(self) -> None:
        """Count one more."""
        with self._lock:
            self._present += 1

    def gone(self) -> None:
        """Count one less."""
        with self._lock:
            self._present -= 1
            is_last = not self._present

        if is_last:
            self._farewell()
