"""Who has which slots, by what several nodes say: the newest claim to a slot counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ._dial import Peer
from ._slots import SLOTS

__all__ = ["Claim", "own_slots", "read_claims", "settled"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A primary's claim to the slots ``first`` to ``last``, since the configuration ``epoch``."""

    epoch: int
    first: int
    last: int
    peer: Peer
    replicas: tuple[Peer, ...]


def read_claims(slots: Any, nodes: Any, asked: Peer) -> list[Claim]:
    """Return what a node says by CLUSTER SLOTS and CLUSTER NODES."""
    epochs = _epochs(nodes)
    claims = []

    for first, last, primary, *replicas in slots:
        peers = [_peer(node, asked) for node in (primary, *replicas)]
        claims.append(Claim(epochs.get(primary[2], 0), first, last, peers[0], tuple(peers[1:])))

    return claims


def _epochs(nodes: bytes) -> dict[bytes, int]:
    """Return the configuration epoch of each node: the seventh word of its line."""
    lines = (line.split() for line in nodes.splitlines())
    return {words[0]: int(words[6]) for words in lines if len(words) > 6}


def own_slots(nodes: bytes | None) -> list[bytes]:
    """Return what a node says of itself by CLUSTER NODES, from the ninth word of its line on."""
    lines = (line.split() for line in (nodes or b"").splitlines())
    return next((words[8:] for words in lines if len(words) > 2 and b"myself" in words[2]), [])


def _peer(node: list[Any], asked: Peer) -> Peer:
    # Without a host it is the one that was asked: a node that does not know its own address.
    host = node[0].decode() if node[0] else asked[0]
    return host, node[1]


def settled(claims: Iterable[Claim]) -> list[Peer | None]:
    """Return the owner of every slot: by the rule of the Cluster, who claims it since the last epoch."""
    owners: list[Peer | None] = [None] * SLOTS

    for claim in sorted(claims, key=lambda claim: claim.epoch):
        owners[claim.first : claim.last + 1] = [claim.peer] * (claim.last - claim.first + 1)

    return owners
