"""What SCAN finds: every key once, without the prefix, by the exact pattern."""

from __future__ import annotations

from collections.abc import Callable

from ...interfaces.exceptions import ConnectionError
from ._mode import Mode

__all__ = ["COUNT", "scan_keys"]

COUNT = 1000
"""Keys that the server looks at for one page: half a millisecond, there and here."""

_RESTARTS = 3


async def scan_keys(
    mode: Mode, match: bytes, prefix: str, matches: Callable[[str], bool]
) -> list[str]:
    """Return every key that matches; begin again, three times at most, when the servers change."""
    for _ in range(1 + _RESTARTS):
        found = _Found(prefix, matches)

        if await mode.scan(match, found.take):
            return list(found.keys)

    msg = f"scan_keys: the servers changed during the scan, {1 + _RESTARTS} times; call again"
    raise ConnectionError(msg, outcome="not_applied", operation="scan_keys")


class _Found:
    """Takes the pages."""

    def __init__(self, prefix: str, matches: Callable[[str], bool]) -> None:
        self.keys: dict[str, None] = {}
        self._cut = len(prefix.encode())
        self._matches = matches

    def take(self, page: list[bytes]) -> None:
        """Keep what matches; names that are not UTF-8 are somebody else's, or leases."""
        for name in page:
            try:
                key = name[self._cut :].decode()
            except UnicodeDecodeError:
                continue

            if key and self._matches(key):
                self.keys[key] = None
