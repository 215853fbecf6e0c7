"""F3: a black hole: connections stay, nothing is answered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from infrastructure import ConnectionError, TimeoutError, deadline
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy
from infrastructure.testing.proxy import Direction

from ...servers.postgres_endpoint import PostgresEndpoint
from .._outcomes import all_ended, ended
from .._timing import PATIENT, SLACK, connected, healed, within
from .._watch import nothing_left, until
from ._storages import CALLS, DEADLINE, READS, WRITES, Make, make_table, warmed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("direction", ["to_server", "to_client", "both"])
async def test_F3_every_call_ends_by_its_deadline(
    storage: PostgresStorage, proxy: ChaosProxy, direction: Direction
) -> None:
    """Its error says what is true; the first call after healing works."""
    await warmed(storage)
    proxy.black_hole(direction)
    calls = [partial(call, storage) for call in CALLS.values()]
    errors = dict(zip(CALLS, await all_ended(calls, DEADLINE), strict=True))
    assert {type(error) for error in errors.values()} == {TimeoutError}, errors
    assert {error.outcome for error in errors.values()} <= {"unknown", "not_applied"}
    # These two are not begun where no answer to BEGIN comes.
    assert errors["transaction"].outcome == errors["begin and commit"].outcome == "not_applied"
    proxy.heal()

    with healed():
        await READS["read"](storage)

    for name in WRITES:
        assert errors[name].retryable is (errors[name].outcome == "not_applied"), errors[name]


async def test_F3_a_statement_that_was_sent_is_unknown(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """On a shared connection or on its own."""
    await warmed(storage)

    for call in ("upsert", "update"):
        proxy.black_hole("to_client")
        error = await ended(partial(WRITES[call], storage), DEADLINE)
        assert (type(error), error.outcome) == (TimeoutError, "unknown"), call
        proxy.heal()

        with healed():
            await WRITES[call](storage)


async def test_F3_a_transaction_whose_statement_timed_out_is_rolled_back(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """The end of its block waits a second for the rollback, which comes all the same."""
    with deadline(PATIENT):
        await WRITES["update"](storage)

    async def inside() -> None:
        async with storage.transaction():
            await storage.execute("UPDATE t SET name = 'never' WHERE id = 1")
            proxy.black_hole("to_client")
            await storage.execute("UPDATE t SET name = 'never' WHERE id = 1")

    assert type(await ended(inside, DEADLINE + 1)) is TimeoutError
    proxy.heal()

    with healed():
        await storage.execute("UPDATE t SET id = 1 WHERE id = 1")

    with deadline(PATIENT):
        assert await storage.execute("SELECT name FROM t WHERE id = 1") == [{"name": "new"}]


async def test_F3_the_first_call_after_healing_works_whatever_it_is(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """What came too late for its caller holds up nobody."""
    await warmed(storage)

    for call in CALLS.values():
        proxy.black_hole()

        with deadline(0.05):
            await ended(partial(call, storage), 1.05)

        proxy.heal()

        with healed():
            await call(storage)


async def test_F3_rows_that_are_under_way_end_by_the_deadline(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """Nobody waits for the rollback of the transaction that they went in."""
    await warmed(storage)

    def rows() -> Iterator[list[Any]]:
        for number in range(100_000):
            if number == 2000:
                proxy.black_hole()

            yield ["x" * 100, number]

    with within(DEADLINE + SLACK), deadline(DEADLINE), pytest.raises(TimeoutError):
        await storage.execute_many("UPDATE t SET name = $1 WHERE id = $2", rows())  # type: ignore[arg-type]

    proxy.heal()

    with healed():
        assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]


async def test_F3_a_connect_ends_by_its_deadline(make: Make, proxy: ChaosProxy) -> None:
    """It leaves nothing, and the next one works."""
    proxy.black_hole()
    storage = make(proxy)

    async with nothing_left():
        with within(DEADLINE + SLACK), pytest.raises(TimeoutError) as caught:
            await storage.connect()

        # It holds what the client has closed.
        proxy.heal()

    assert caught.value.outcome == "not_applied"

    with healed():
        async with storage:
            assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]


async def test_F3_a_disconnect_waits_a_second_at_most(make: Make, proxy: ChaosProxy) -> None:
    """What was under way has ended then, and nothing is left."""
    storage = make(proxy, deadline=5)

    async with nothing_left():
        await storage.connect()
        await make_table(storage)
        await warmed(storage)
        proxy.black_hole()
        under_way = [partial(call, storage) for call in CALLS.values()]

        with within(1 + SLACK):
            *ends, _ = await all_ended([*under_way, storage.disconnect], 1)

        proxy.heal()

    assert all(isinstance(end, (ConnectionError, TimeoutError)) for end in ends), ends


async def test_F3_timed_out_calls_leave_no_connections(
    storage: PostgresStorage, proxy: ChaosProxy, database: PostgresEndpoint
) -> None:
    """After 250 of them there are no more than there may be, here and at the server."""
    await warmed(storage)
    proxy.black_hole()

    for _ in range(10):
        with deadline(0.02):
            ends = await all_ended([partial(READS["read"], storage) for _ in range(25)], 0.02)

        assert {type(end) for end in ends} == {TimeoutError}

    proxy.heal()

    with healed():
        assert await READS["read"](storage) == [{"id": 1}]

    with database.counters() as counters:
        await until(lambda: counters.read().open <= 10, counters.sessions)
        await until(lambda: proxy.open <= 10, lambda: proxy)


async def test_F3_a_connection_whose_peer_vanished_is_replaced(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """Its sockets say nothing for ever, while the server answers others: all works again in 8 s."""
    await warmed(storage)
    proxy.cut("to_server")

    with within(8):
        while await ended(partial(READS["read"], storage), DEADLINE) != [{"id": 1}]:
            pass

        while await ended(partial(WRITES["update"], storage), DEADLINE) != []:
            pass


async def test_F3_one_call_after_the_other_ends_by_its_deadline(
    make: Make, proxy: ChaosProxy
) -> None:
    """Those before it, which are overdue and never answered, do not keep it."""
    async with connected(make(proxy, deadline=0.05)) as storage:
        with deadline(PATIENT):
            await storage.execute("SELECT 1 AS n")

        proxy.black_hole()

        for _ in range(20):
            call = partial(storage.execute, "SELECT 1 AS n")
            assert type(await ended(call, 0.05)) is TimeoutError

        proxy.heal()
