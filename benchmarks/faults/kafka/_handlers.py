"""Handlers that fail."""

from __future__ import annotations

from ._journal import names
from ._stage import Stage

__all__ = ["poison"]

_WANTED = names(8, range(50))
_POISON = {("k1", 10), ("k2", 20), ("k3", 30), ("k4", 40)}


async def poison(stage: Stage) -> str:
    """The handler raises at 4 of 400 messages, each time: what becomes of them and of the others."""
    stage.fill(_WANTED, poison=_POISON)
    stage.children.start("consume")
    others = set(_WANTED) - _POISON
    await stage.settled(others)
    passed = await stage.until(stage.group.is_at_end, 8)
    letters = f"{stage.topic}.dlq"
    kept = stage.stored(letters) if letters in stage.server.admin().list_topics().topics else {}
    tried = sum(event.name in _POISON for event in stage.journal.events("begin"))
    fate = f"{len(kept)} kept as dead letters" if passed else "their partitions stand still"
    handled = others & stage.journal.names("end")
    return (
        f"{len(handled)} of {len(others)} others handled; "
        f"the 4 were tried {tried} times, {fate}{stage.children.told()}"
    )
