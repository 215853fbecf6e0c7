"""G7: however many calls are given up, no row goes to somebody else and no connection is lost."""

from __future__ import annotations

import asyncio
import random
from functools import partial

from ...interfaces import InfrastructureError, deadline
from .._breaking import PATIENT, answers, ends, faults_of, until
from .._check import check
from .._fault_checks.storms import AT_ONCE, Storm, give_up_together
from .._faults import FaultHarness
from .._harness import StorageHarness
from ._items import Items, hurried

__all__ = [
    "G7_cancelled_statements_at_random_leave_every_row_its_own",
    "G7_cancelled_statements_leave_no_connection",
    "G7_late_rows_go_to_nobody_else",
]

_IDS = range(50)
_SETTLING = 12
"""Rounds in which a backend opens all connections that it may have; PostgreSQL's needed up to five."""

_READ = "SELECT name FROM items WHERE id = $1"


async def _fill(items: Items) -> None:
    rows = [[number, f"{number}/0"] for number in _IDS]
    await items.many("INSERT INTO items (id, name) VALUES ($1, $2)", rows)


async def _read(items: Items, number: int, seed: int) -> None:
    _its_own(number, await items.run(_READ, [number]), seed)


def _its_own(number: int, found: object, seed: int) -> None:
    right = isinstance(found, list) and len(found) == 1
    name = str(found[0]["name"]) if right and isinstance(found, list) else ""
    assert name.startswith(f"{number}/"), (
        f"of row {number} came the answer of another: {found!r:.100} (seed {seed})"
    )


async def _own(items: Items, seed: int) -> None:
    """Assert that every id has its own row, asked all at once and one by one."""
    await asyncio.gather(*(answers(partial(_read, items, n, seed), "a read") for n in _IDS))

    for number in _IDS[:5]:
        await answers(partial(_read, items, number, seed), "a read")


@check(kind="fault")
async def G7_late_rows_go_to_nobody_else(harness: StorageHarness) -> None:
    """Calls time out while answers are on their way: what comes late is dropped."""
    faults = faults_of(harness)
    dice = random.Random(faults.seed)  # noqa: S311 - it is to be repeated

    async def hurry(items: Items, number: int) -> None:
        with deadline(dice.uniform(0.001, 0.06)):
            found = await ends(lambda: items.run(_READ, [number]), 0.06, "a hurried read")

        if not isinstance(found, InfrastructureError):
            _its_own(number, found, faults.seed)

    async with hurried(harness, PATIENT) as items:
        await _fill(items)
        await _own(items, faults.seed)

        for _ in range(5):
            faults.proxy.delay(0.03, "to_client")
            await asyncio.gather(*(hurry(items, dice.choice(_IDS)) for _ in range(AT_ONCE)))
            faults.proxy.heal()
            await _own(items, faults.seed)


async def _any_call(items: Items, seed: int, dice: random.Random, number: int) -> None:
    """Make a call of some kind; of a read, look at the row."""
    key, update = dice.choice(_IDS), "UPDATE items SET name = $2 WHERE id = $1"
    kind = dice.choice(("read", "read", "write", "pair", "many"))
    name = f"{key}/{number}"

    if kind == "read":
        await _read(items, key, seed)
    elif kind == "write":
        await items.run(update, [key, name])
    elif kind == "many":
        await items.many(update, [[key, name]])
    else:
        await _pair(items, 100 + 2 * number)


async def _pair(items: Items, first: int) -> None:
    """Write two rows that belong together, beyond those that are read."""
    storage, insert = items.storage, "INSERT INTO items (id) VALUES ($1)"
    await storage.begin_transaction()
    ended = False

    try:
        await items.run(insert, [first])
        await items.run(insert, [first + 1])
        ended = True
        await storage.commit()
    finally:
        if not ended:
            await storage.rollback()


@check(kind="fault")
async def G7_cancelled_statements_at_random_leave_every_row_its_own(
    harness: StorageHarness,
) -> None:
    """Hundreds of calls, cancelled at any moment: no foreign row, no half pair, no lost cancellation."""
    faults = faults_of(harness)

    async with hurried(harness, 5.0) as items:
        await _fill(items)
        storm = Storm(faults, partial(_any_call, items, faults.seed), 0.01)

        for _ in range(0, faults.storm, AT_ONCE):
            await storm.round()
            await _own(items, faults.seed)

        # In the background a transaction that was given up is rolled back first.
        await items.run("DELETE FROM items WHERE id = -1")
        pairs = [number // 2 for number in await items.ids() if number >= 100]
        half = [pair for pair in set(pairs) if pairs.count(pair) != 2]
        assert not half, f"of {len(half)} transactions a half is there (seed {faults.seed})"


async def _given_up(items: Items, faults: FaultHarness) -> None:
    """Cancel fifty reads while they wait for an answer; then all get their own again."""
    await give_up_together(faults, [partial(_read, items, n, faults.seed) for n in _IDS])
    await _own(items, faults.seed)


@check(kind="fault")
async def G7_cancelled_statements_leave_no_connection(harness: StorageHarness) -> None:
    """Cancelled while they wait for an answer, hundreds: the connections do not become more."""
    faults = faults_of(harness)
    most = 0

    async with hurried(harness, 5.0) as items:
        await _fill(items)

        # A backend may open all that it may have before long, not more and more.
        for _ in range(_SETTLING):
            await _given_up(items, faults)
            most = max(most, await faults.connections())

        for _ in range(4):
            await _given_up(items, faults)

        async def as_before() -> bool:
            return await faults.connections() <= most

        await until(as_before, f"there were {most} connections, and there are more")
