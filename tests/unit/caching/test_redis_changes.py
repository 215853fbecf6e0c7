"""Who waits for a change of a key is woken by it once, and by nothing else."""

from __future__ import annotations

import asyncio

from infrastructure.caching.redis._changes import Changes


async def test_a_change_wakes_those_who_wait_for_it() -> None:
    """All of them, by any of their keys, and nobody else."""
    changes = Changes()
    first, second = changes.expect(b"a", b"lock-a"), changes.expect(b"a")
    other = changes.expect(b"b")
    changes.tell([b"lock-a", b"unknown"])
    assert (first.done(), second.done(), other.done()) == (True, False, False)
    # One that is done already is told again.
    changes.tell([b"a", b"lock-a"])
    assert (second.done(), other.done()) == (True, False)


async def test_nobody_knows_what_changed() -> None:
    """Then all are woken."""
    changes = Changes()
    changes.tell()
    futures = [changes.expect(b"a"), changes.expect(b"b")]
    changes.tell(None)
    await asyncio.gather(*futures)


async def test_who_is_forgotten() -> None:
    """He is not woken, and nothing is kept of his keys; others with the same key stay."""
    changes = Changes()
    gone, stays = changes.expect(b"a", b"b"), changes.expect(b"a")
    changes.forget(gone, b"a", b"b")
    assert gone.cancelled()
    assert set(changes._waiting) == {b"a"}
    changes.tell([b"a"])
    assert stays.done()
    changes.forget(stays, b"a")
    assert not changes._waiting
    # Again, and of what never was.
    changes.forget(stays, b"a", b"c")
