"""G9, E3, S7 and S11: a statement whose answer was lost, and a transaction that was cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ...interfaces import (
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    TimeoutError,
    deadline,
)
from .._breaking import DEADLINE, PATIENT, PREPARING, Call, answers, ends, faults_of, of, until
from .._check import check
from .._expect import beside, equal
from .._fault_checks.lost_answers import lost
from .._harness import StorageHarness
from .._outages import NOTICED, frozen, refused
from ._items import Items, hurried

__all__ = [
    "E3_a_statement_that_never_left_says_so",
    "E3_a_statement_whose_answer_was_lost_is_unknown",
    "G9_a_late_server_runs_a_statement_once",
    "G9_a_statement_after_a_lost_connection_succeeds",
    "G9_a_statement_is_run_once",
    "S7_a_transaction_that_was_cut_leaves_nothing",
    "S11_a_lost_commit_is_unknown",
    "S11_what_is_said_of_a_lost_commit_is_true",
]

_SETTLED = 3.0
"""Seconds in which a backend may find out what became of a commit."""

_COUNT = {"id": "BIGINT PRIMARY KEY", "n": "BIGINT"}
_UP = "UPDATE items SET n = n + 1 WHERE id = $1"


async def _counting(items: Items, counters: int = 1) -> None:
    """Have counters at 0, and their statement be well known to the storage and the server."""
    with deadline(PREPARING):
        await items.many("INSERT INTO items (id, n) VALUES ($1, 0)", [[0], *_numbers(counters)])

        for _ in range(4):
            await _up(items, 0)
            await asyncio.sleep(NOTICED / 4)


def _numbers(counters: int) -> list[list[int]]:
    return [[number] for number in range(1, counters + 1)]


async def _up(items: Items, counter: int = 1) -> None:
    await items.run(_UP, [counter])


async def _count(items: Items) -> int:
    """Return how far the counter is that is furthest."""
    read = "SELECT max(n) AS n FROM items WHERE id > 0"
    [row] = await answers(lambda: items.run(read), "a read")
    n: int = row["n"]
    return n


@check(kind="fault")
async def G9_a_statement_after_a_lost_connection_succeeds(harness: StorageHarness) -> None:
    """Idle connections that were closed or reset, as was heard of: nothing fails, nothing had left."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, PATIENT) as items:
        storage = items.storage

        async def transact() -> None:
            await storage.begin_transaction()
            await items.run("UPDATE items SET name = 'new'")
            await storage.commit()

        calls: dict[str, Call] = {
            "a read": items.ids,
            "a write": lambda: items.run("UPDATE items SET name = 'own'"),
            "many rows": lambda: items.many("DELETE FROM items WHERE id = $1", [[-1], [-2]]),
            "a transaction": transact,
        }

        for lose in (proxy.cut, proxy.reset):
            for name, call in calls.items():
                await asyncio.gather(*(items.ids() for _ in range(10)))
                lose()
                await asyncio.sleep(NOTICED)
                await answers(call, f"{name} after a {lose.__name__}")


@check(kind="fault")
async def E3_a_statement_whose_answer_was_lost_is_unknown(harness: StorageHarness) -> None:
    """ConnectionError with ``outcome="unknown"`` and a cause; it happened once or not at all."""
    async with hurried(harness, PATIENT, _COUNT) as items:
        await _counting(items)
        proxy, within = faults_of(harness).proxy, PATIENT + _SETTLED
        error = await lost(proxy, lambda: _up(items), "an UPDATE", within)
        assert isinstance(error, ConnectionError), f"an UPDATE, its answer lost, gave {error!r}"
        assert error.outcome == "unknown", f"outcome={error.outcome!r}"
        assert error.__cause__ is not None, f"{error} has no cause"
        assert await _count(items) in (0, 1), "it was done more than once"


@check(kind="fault")
async def G9_a_statement_is_run_once(harness: StorageHarness) -> None:
    """However its answer is lost, and whatever is said of it then: the server runs it no twice."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, DEADLINE, _COUNT) as items:
        await _counting(items, 6)

        async def late(counter: int) -> None:
            proxy.black_hole("to_client")
            await ends(lambda: _up(items, counter), DEADLINE, "an UPDATE")
            proxy.heal()
            await asyncio.sleep(2 * NOTICED)

        async def cut(counter: int) -> None:
            await lost(proxy, lambda: _up(items, counter), "an UPDATE", PATIENT + _SETTLED)

        # Each its own counter: what was given up may be done while the next one is under way.
        for counter, give_up in enumerate((cut, late) * 3, 1):
            await give_up(counter)
            times = await _count(items)
            assert times in (0, 1), f"a statement was run {times} times"


@check(kind="fault")
async def E3_a_statement_that_never_left_says_so(harness: StorageHarness) -> None:
    """Without a server whose loss was noticed: ``outcome="not_applied"``, and it never is."""
    async with hurried(harness, DEADLINE, rows=[1]) as items:
        async with refused(faults_of(harness)):
            error = await ends(lambda: items.add(2), DEADLINE, "a write")

        assert isinstance(error, InfrastructureError), f"a write without a server: {error!r}"
        assert error.outcome == "not_applied", f"outcome={error.outcome!r}"
        await asyncio.sleep(NOTICED)
        equal(await answers(items.ids, "a read"), [1])


@check(kind="fault", feature="server_faults")
async def G9_a_late_server_runs_a_statement_once(harness: StorageHarness) -> None:
    """One that stands still for a while: what waited is done once, what timed out once at most."""
    faults = faults_of(harness)

    async with hurried(harness, 5.0, _COUNT) as items:
        await _counting(items)

        async with frozen(faults):
            patient = beside(_up(items))
            await asyncio.sleep(0.5)

        await answers(of(patient), "the patient UPDATE")
        await asyncio.sleep(NOTICED)
        assert await _count(items) == 1, "a patient statement was lost, or run again"

        async with frozen(faults):
            with deadline(DEADLINE):
                error = await ends(lambda: _up(items), DEADLINE, "a hasty UPDATE")

        assert isinstance(error, TimeoutError), f"a hasty UPDATE gave {error!r}"
        await asyncio.sleep(NOTICED)
        assert await _count(items) in (1, 2), "a hasty statement was run again"


@check(kind="fault")
async def S7_a_transaction_that_was_cut_leaves_nothing(harness: StorageHarness) -> None:
    """A connection that ends between two statements: the rest fails, and nothing of it is there."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, PATIENT) as items:
        for lose in (proxy.cut, proxy.reset):
            for noticed in (0.0, NOTICED):
                await items.storage.begin_transaction()
                await items.add(1)
                lose()
                await asyncio.sleep(noticed)
                error = await ends(lambda: items.add(2), PATIENT, "a statement after the cut")
                failed = isinstance(error, InfrastructureError)
                assert failed, f"a statement after the cut gave {error!r}"
                await items.storage.rollback()
                equal(await answers(items.ids, "a read afterwards"), [])


async def _transact(items: Items, number: int, before_commit: Callable[[], None]) -> None:
    await items.storage.begin_transaction()
    await items.add(number)
    before_commit()
    await items.storage.commit()


@check(kind="fault")
async def S11_what_is_said_of_a_lost_commit_is_true(harness: StorageHarness) -> None:
    """Its connection ends at any byte: a success was committed, what is ``not_applied`` was not."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, PATIENT) as items:
        for number in range(12):
            cut = partial(proxy.truncate, number + 1, ("to_server", "to_client")[number % 2])
            error = await ends(
                partial(_transact, items, number, cut), PATIENT + _SETTLED, "a transaction"
            )
            proxy.heal()
            there = number in await answers(items.ids, "a read")
            told = error.outcome if isinstance(error, ConnectionError) else error
            assert told in (None, "unknown", "not_applied"), f"a cut commit gave {error!r}"
            assert there or told is not None, f"a commit succeeded, and row {number} is not there"
            assert not (there and told == "not_applied"), f"row {number} is there after {error!r}"


@check(kind="fault")
async def S11_a_lost_commit_is_unknown(harness: StorageHarness) -> None:
    """Where nobody can be asked what became of it: ConnectionError, ``unknown``, and no retry."""
    proxy = faults_of(harness).proxy
    before = 0

    def silence() -> None:
        nonlocal before
        before = proxy.bytes_to_server
        proxy.black_hole("to_client")

    async def left() -> bool:
        return 0 < before < proxy.bytes_to_server

    async with hurried(harness, PATIENT) as items:
        transacting = beside(_transact(items, 1, silence))
        await until(left, "the commit was not sent")
        await asyncio.sleep(NOTICED)
        proxy.refuse()
        proxy.reset()
        error = await ends(of(transacting), PATIENT + _SETTLED, "a transaction")
        proxy.heal()
        assert isinstance(error, ConnectionError), f"a commit, its answer lost, gave {error!r}"
        assert error.outcome == "unknown", f"outcome={error.outcome!r}"
        await answers(lambda: _waits_for(items, 1), "a second row of the same id")
        equal(await answers(items.ids, "a read afterwards"), [1])


async def _waits_for(items: Items, number: int) -> None:
    """Return when the fate of a row is known: who inserts it again waits for whoever did."""
    await items.storage.begin_transaction()

    with suppress(IntegrityError):
        await items.add(number)

    await items.storage.rollback()
