"""A Cluster: every key in one of 16,384 slots, every slot on a primary, primaries that change."""

from __future__ import annotations

import asyncio
import builtins
import math
import random
from collections.abc import Sequence
from time import monotonic
from typing import Any

from ..._core.deadline import open_instant
from ...interfaces.exceptions import ConnectionError
from ._dial import Dialer, Ears, Peer, show
from ._followed import ANSWER, Followed
from ._link import Link
from ._node import Node
from ._signals import NotSent, Refused, Signal
from ._sinks import Command
from ._slot_map import Claim, read_claims, settled
from ._slots import SLOTS, key_slot
from ._topology import Step
from .errors import refusal

__all__ = ["Cluster"]

_ASKED = 3
"""Nodes that are asked for each look: one of them may be of yesterday."""

_PAUSE = 0.02
"""Seconds until a key that is on its way between two nodes is asked for again."""

_STAY = 10.0
"""Seconds for which a node without slots is kept after ASK last led there."""


class Cluster(Followed):
    """The primaries of a Cluster; ``seeds`` are nodes of it, any of which tells the rest."""

    is_clustered = True

    def __init__(self, seeds: Sequence[Peer], dialer: Dialer) -> None:
        super().__init__(dialer)
        self._seeds = list(seeds)
        self._known: set[Peer] = set()
        self._nodes: dict[Peer, Node] = {}
        # Where ASK led, and when it last did.
        self._asked: dict[Peer, float] = {}
        self._map: list[Node | None] = [None] * SLOTS
        # Nodes that have no slots any more, and may still refuse what they were sent.
        self._left: list[Node] = []

    @property
    def nodes(self) -> Sequence[Node]:
        """The primaries that have slots, or had some a moment ago."""
        return tuple(self._nodes.values())

    def send(self, name: str, command: Command, lead: Command | None = None) -> asyncio.Future[Any]:
        """Send on the link to the primary of the key."""
        node = self._map[key_slot(name.encode())]

        if node is None or name in node.large:
            raise NotSent

        return node.main.link.send(
            command, open_instant(), None if lead is None else self.lead(name, lead)
        )

    def distrust(self, name: str) -> None:
        """Close the links to the primary of the key."""
        if (node := self._map[key_slot(name.encode())]) is not None:
            node.distrust()

    def note_large(self, name: str) -> None:
        """Let the key ride the second link to its primary."""
        if (node := self._map[key_slot(name.encode())]) is not None:
            node.note_large(name)

    async def node_of(self, name: str) -> Node:
        """Return the primary of the key."""
        slot = key_slot(name.encode())

        if self._map[slot] is None:
            await self.refresh()

        if (node := self._map[slot]) is None:
            msg = f"the Cluster has no node for the slot {slot}: CLUSTER INFO tells its state"
            raise ConnectionError(msg, outcome="not_applied")

        return node

    async def follow(self, refused: Refused) -> Step | None:
        """Go where the node says, or wait until a key has moved."""
        if refused.code in ("MOVED", "ASK"):
            return await self._redirected(refused)

        if refused.code == "TRYAGAIN":
            return Step(pause=_PAUSE)

        if refused.code in ("READONLY", "CLUSTERDOWN", "MASTERDOWN"):
            self.silent()

        return None

    async def _redirected(self, refused: Refused) -> Step:
        """Read ``MOVED 3999 127.0.0.1:6381``."""
        code, slot, where = str(refused).split()
        host, _, port = where.rpartition(":")

        # ASK says nothing of the map, and there may be thousands of it while a slot moves.
        if code == "MOVED":
            self.silent()

        if not host:
            # The host that was asked, with another port: the map says it in full.
            await self.refresh()
            return Step(pause=_PAUSE)

        node = self._at((host, int(port)))

        if code == "ASK":
            self._asked[node.address] = monotonic()
            return Step(node, asking=True)

        self._map[int(slot)] = node
        return Step(node)

    def _at(self, peer: Peer) -> Node:
        if (node := self._nodes.get(peer)) is None:
            node = self._nodes[peer] = self._node(peer)

        return node

    async def _refresh(self) -> None:
        claims = await self._ask_links() or await self._ask_peers()
        owners = settled(claims)

        for claim in claims:
            self._known |= {claim.peer, *claim.replicas}

        before = {node.address for node in self._map if node is not None}
        self._map[:] = [None if owner is None else self._at(owner) for owner in owners]
        self._leave(before - set(owners), set(owners))

    def _leave(self, demoted: set[Peer], primaries: set[Peer | None]) -> None:
        """Leave what has no slots any more, now: what it still acknowledges is lost with it."""
        self._left = [node for node in self._left if node.is_left]

        for peer, node in list(self._nodes.items()):
            if peer in demoted or (peer not in primaries and not self._is_used(node)):
                del self._nodes[peer]
                self._asked.pop(peer, None)
                node.leave()
                self._left.append(node)

    def close(self) -> None:
        """Close all links at once."""
        super().close()

        for node in self._left:
            node.close()

    def abandon(self) -> None:
        """Forget all links: their loop is closed, or in another process."""
        super().abandon()

        for node in self._left:
            node.abandon()

    def _is_used(self, node: Node) -> bool:
        """Return whether ASK leads there: a node that never had slots imports its first one."""
        asked = self._asked.get(node.address, -math.inf)
        return node.main.is_busy or monotonic() < asked + _STAY

    async def _ask_links(self) -> list[Claim]:
        links = [
            (node.address, node.main.link)
            for node in self._nodes.values()
            if isinstance(node.main.link, Link)
        ]
        chosen = random.sample(links, min(_ASKED, len(links)))
        answers = await asyncio.gather(
            *(self._ask(link, peer) for peer, link in chosen), return_exceptions=True
        )
        return [claim for answer in answers if isinstance(answer, list) for claim in answer]

    async def _ask_peers(self) -> list[Claim]:
        """Ask the seeds and all nodes that were ever seen, until one answers."""
        failed: list[str] = []

        for peer in (*self._seeds, *(self._known - set(self._seeds))):
            try:
                if claims := await self._ask_peer(peer):
                    return claims

                failed.append(f"{show(peer)}: it knows of no slots")
            except builtins.TimeoutError:
                failed.append(f"{show(peer)}: no answer")
            except ConnectionError as exc:
                failed.append(str(exc))

        msg = f"no node of the Cluster tells its slots: {'; '.join(failed)}"
        raise ConnectionError(msg, outcome="not_applied", operation="connect")

    async def _ask_peer(self, peer: Peer) -> list[Claim]:
        async with asyncio.timeout(2 * ANSWER):
            link = await self._dialer.dial(peer, _DEAF)

        try:
            return await self._ask(link, peer)
        finally:
            link.close()

    async def _ask(self, link: Link, peer: Peer) -> list[Claim]:
        """Return what a node claims; raises ours when it refuses, as one that is no Cluster does."""
        tried = f"connect to {show(peer)}, CLUSTER SLOTS"

        try:
            async with asyncio.timeout(ANSWER):
                slots, nodes = await asyncio.gather(
                    link.send(("CLUSTER", "SLOTS"), math.inf),
                    link.send(("CLUSTER", "NODES"), math.inf),
                )
        except Signal as exc:
            msg = f"{tried}: the connection was lost"
            raise ConnectionError(msg, outcome="not_applied", operation="connect") from exc

        for reply in (slots, nodes):
            if isinstance(reply, Refused):
                raise refusal(reply, tried, "connect") from reply

        return read_claims(slots, nodes, peer)


_DEAF = Ears(lost=lambda _link: None, silent=lambda _link: None, push=lambda _frame: None)
