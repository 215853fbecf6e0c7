"""What SCAN finds: every key once, without the prefix, by the exact pattern."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ...interfaces.exceptions import ConnectionError
from ._mode import Mode
from ._node import Node
from ._request import Request
from ._signals import NotSent

__all__ = ["Take", "scan_keys", "scan_nodes"]

Take = Callable[[list[bytes]], None]

_COUNT = 1000
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


async def scan_nodes(
    nodes: Callable[[], Sequence[Node]],
    ask: Callable[[Node, Request], Awaitable[Any]],
    losses: Callable[[Node], int],
    match: bytes,
    take: Take,
) -> bool:
    """Give ``take`` the keys of all primaries; ``False`` when these changed meanwhile.

    ``ask``     returns the reply of one of them, or raises ``NotSent`` when it is none any more.
    ``losses``  how often the connection to it was lost.
    """
    before = list(nodes())

    for node in before:
        if not await _scan_node(node, ask, losses, match, take):
            return False

    return before == list(nodes())


async def _scan_node(
    node: Node,
    ask: Callable[[Node, Request], Awaitable[Any]],
    losses: Callable[[Node], int],
    match: bytes,
    take: Take,
) -> bool:
    cursor, lost = b"0", None

    while True:
        command = ("SCAN", cursor, "MATCH", match, "COUNT", _COUNT)

        try:
            cursor, page = await ask(
                node, Request("scan_keys", command, "", reads=True, answer=list)
            )
        except NotSent:
            return False

        take(page)
        lost = losses(node) if lost is None else lost

        # A new connection may be to a server that was restarted: there a cursor means nothing.
        if losses(node) != lost:
            return False

        if cursor == b"0":
            return True


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
