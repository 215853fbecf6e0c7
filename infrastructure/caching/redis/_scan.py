"""What SCAN finds: every key once, without the prefix, by the exact pattern."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ...interfaces.exceptions import ConnectionError
from ._mode import Mode
from ._node import Node
from ._request import Request
from ._signals import NotSent
from ._slot_map import own_slots

__all__ = ["NodeScan", "Take", "scan_keys"]

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


class NodeScan:
    """Reads the keys of all primaries.

    ``ask``           returns the reply of one of them, or raises ``NotSent`` when it is none any more.
    ``losses``        how often the connection to it was lost.
    ``is_clustered``  keys may move from one of them to another meanwhile.
    """

    def __init__(
        self,
        nodes: Callable[[], Sequence[Node]],
        ask: Callable[[Node, Request], Awaitable[Any]],
        losses: Callable[[Node], int],
        *,
        is_clustered: bool,
    ) -> None:
        self._nodes = nodes
        self._ask = ask
        self._losses = losses
        self._is_clustered = is_clustered

    async def run(self, match: bytes, take: Take) -> bool:
        """Give ``take`` the keys; ``False`` when the primaries changed meanwhile."""
        try:
            return await self._run(match, take)
        except NotSent:
            return False

    async def _run(self, match: bytes, take: Take) -> bool:
        nodes = list(self._nodes())
        before = await self._slots(nodes)

        if not await self._all(nodes, match, take):
            return False

        # A key may have moved from one that was not asked yet to one that was: there it is now.
        moved = before != await self._slots(nodes) or any(map(_moves, before))

        if moved and not await self._all(nodes, match, take):
            return False

        return nodes == list(self._nodes())

    async def _slots(self, nodes: Sequence[Node]) -> list[list[bytes]]:
        """Return what each node says of its own slots: those it has, and those on their way."""
        if not self._is_clustered:
            return []

        request = Request("scan_keys", ("CLUSTER", "NODES"), "", reads=True, answer=bytes)
        return [own_slots(await self._ask(node, request)) for node in nodes]

    async def _all(self, nodes: Sequence[Node], match: bytes, take: Take) -> bool:
        for node in nodes:
            if not await self._one(node, match, take):
                return False

        return True

    async def _one(self, node: Node, match: bytes, take: Take) -> bool:
        cursor, lost = b"0", None

        while True:
            command = ("SCAN", cursor, "MATCH", match, "COUNT", _COUNT)
            request = Request("scan_keys", command, "", reads=True, answer=list)
            cursor, page = await self._ask(node, request)
            take(page)
            lost = self._losses(node) if lost is None else lost

            # A new connection may be to a server that was restarted: there a cursor means nothing.
            if self._losses(node) != lost:
                return False

            if cursor == b"0":
                return True


def _moves(slots: list[bytes]) -> bool:
    """Return whether some are on their way: ``[93-<-node]`` or ``[77->-node]``."""
    return any(each.startswith(b"[") for each in slots)


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
