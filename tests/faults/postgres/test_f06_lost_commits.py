"""F6: the connection is cut when a COMMIT has left, or a part of it, or a part of its answer came."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial
from typing import Any

import psycopg
import pytest

from infrastructure import ConnectionError, InfrastructureError, deadline
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy
from infrastructure.testing._faults import Direction

from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from .._outcomes import ended
from .._timing import PATIENT, connected, draw_seed, share
from ._sessions import value
from ._storages import Make, Note, make_table

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]

COMMIT = 12
"""Bytes of the message."""
ANSWER = 18
"""Bytes of what the server says to it."""
DEADLINE = 3.0


async def settled(control: psycopg.Connection[Any], xid: str) -> str:
    """Return how the transaction ended, by the server's own book."""
    while (status := value(control, "SELECT pg_xact_status(%s::xid8)", xid)) == "in progress":
        pass

    return str(status)


async def test_F6_what_is_said_of_a_commit_is_true(
    make: Make, mode: str, database: PostgresEndpoint, proxy: ChaosProxy, record_property: Note
) -> None:
    """Acknowledged: committed. Not applied: aborted. The server is asked where its answer is lost."""
    seed = draw_seed()
    rng = random.Random(seed)
    counts: Counter[str] = Counter()

    with database.control() as control:
        async with make(proxy, deadline=DEADLINE) as storage:
            await make_table(storage)

            for number in range(100, 100 + share(1000)):
                xid = await _begun(storage, number)
                _cut(proxy, rng)
                error = await ended(storage.commit, DEADLINE)
                proxy.heal()
                status = await settled(control, xid)
                found = value(control, "SELECT count(*) FROM t WHERE id = %s", number)
                assert found == (status == "committed"), (seed, number, status)
                outcome = _said(error)
                counts[f"{outcome}, {status}"] += 1
                counts["cut"] += 1
                assert (outcome, status) in {
                    ("acknowledged", "committed"),
                    ("unknown", "committed"),
                    ("unknown", "aborted"),
                    ("not_applied", "aborted"),
                }, (seed, number, error, status)

    # Where requests are not pipelined, a transaction's number is not known.
    said = ("acknowledged", "not_applied") if mode == "pipelined" else ("unknown", "unknown")
    assert counts[f"{said[0]}, committed"] > counts["cut"] / 5, counts
    assert counts[f"{said[1]}, aborted"] > counts["cut"] / 5, counts

    for name, count in counts.items():
        record_property(f"commits: {name}", count)

    record_property("commits: seed", seed)


async def test_F6_without_a_server_to_ask_it_is_unknown(
    make: Make, database: PostgresEndpoint, proxy: ChaosProxy
) -> None:
    """Not retried: the row is there or not, as the server has it."""
    with database.control() as control:
        async with connected(make(proxy)) as storage:
            with deadline(PATIENT):
                await make_table(storage)

            for number, cut in ((100, "to_server"), (101, "to_client")):
                xid = await _begun(storage, number)
                proxy.truncate(4, cut)
                proxy.refuse()
                error = await ended(storage.commit, 2.5)
                proxy.heal()
                assert (type(error), error.outcome) == (ConnectionError, "unknown")
                status = await settled(control, xid)
                assert status == ("committed" if cut == "to_client" else "aborted")


async def _begun(storage: PostgresStorage, number: int) -> str:
    with deadline(PATIENT):
        await storage.begin_transaction()
        await storage.execute("INSERT INTO t VALUES ($1, 'lost?')", [number])
        [row] = await storage.execute("SELECT pg_current_xact_id()::text AS xid")

    xid: str = row["xid"]
    return xid


def _cut(proxy: ChaosProxy, rng: random.Random) -> None:
    ending = rng.choice(("cut", "reset"))

    if rng.random() < 0.5:
        proxy.truncate(rng.randint(1, COMMIT), "to_server", ending=ending)
    else:
        proxy.truncate(rng.randrange(ANSWER), "to_client", ending=ending)


def _said(error: object) -> str:
    if not isinstance(error, InfrastructureError):
        return "acknowledged"

    assert isinstance(error, ConnectionError), error
    assert error.retryable
    assert error.__cause__ is not None
    return str(error.outcome)


WRITES = {
    "on a shared connection": "UPDATE t SET name = name || $1 WHERE id = $2",
    "with a result": "UPDATE t SET name = name || $1 WHERE id = $2 RETURNING name",
}


def _cuts(sent: int, came: int) -> list[tuple[Direction, int]]:
    """Return where a statement of so many bytes, and its answer, are to be cut."""
    step = max(1, 20 // share(20))
    to_server: list[tuple[Direction, int]] = [("to_server", at) for at in range(1, sent + 1, step)]
    return to_server + [("to_client", at) for at in range(1, came + 1, step)]


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES)
async def test_F6_a_statement_is_done_once_or_not_at_all(
    make: Make, proxy: ChaosProxy, statement: str, record_property: Note
) -> None:
    """Cut at each byte of it and of its answer: unknown, and what is there says the same."""
    unknown = 0

    async with make(proxy, deadline=DEADLINE) as storage:
        await make_table(storage)

        for _ in range(4):
            await storage.execute(statement, ["", 1])

        sent, came = proxy.bytes_to_server, proxy.bytes_to_client
        await storage.execute(statement, [".", 1])
        cuts = _cuts(proxy.bytes_to_server - sent, proxy.bytes_to_client - came)

        # A row for each: what was given up may be done while the next one is under way.
        for number, (direction, after) in enumerate(cuts, 2):
            await storage.execute("INSERT INTO t VALUES ($1, '')", [number])
            # The connection that was opened last knows the statement too.
            await storage.execute(statement, ["", number])
            await storage.execute(statement, ["", number])
            proxy.truncate(after, direction)
            error = await ended(partial(storage.execute, statement, ["x", number]), DEADLINE)
            proxy.heal()
            [row] = await storage.execute("SELECT name FROM t WHERE id = $1", [number])

            if isinstance(error, InfrastructureError):
                assert (type(error), error.outcome) == (ConnectionError, "unknown"), error
                unknown += 1
            else:
                assert row["name"] == "x", (direction, after)

        names = {row["name"] for row in await storage.execute("SELECT name FROM t WHERE id > 1")}
        assert names <= {"", "x"}

    record_property("statements of unknown outcome", unknown)


async def test_F6_a_number_that_is_given_again_says_nothing(
    private_postgres: PostgresServer,
) -> None:
    """After a crash another transaction has the number of one that was lost, and is committed."""
    server = private_postgres

    with server.control() as control:
        # Nobody else writes the log to the disk meanwhile.
        control.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        control.execute("SELECT pg_reload_conf()")

    async with (
        ChaosProxy((server.host, server.port)) as proxy,
        PostgresStorage(server.moved(proxy.host, proxy.port), deadline=5) as storage,
    ):
        await make_table(storage)
        await storage.execute("CHECKPOINT")
        xid = await _begun(storage, 100)
        proxy.black_hole("to_server")
        proxy.refuse()
        commit = asyncio.ensure_future(storage.commit())
        await asyncio.sleep(0)
        server.kill()
        proxy.reset()
        await server.start()

        with server.control() as control:
            for number in range(200, 210):
                control.execute("INSERT INTO t VALUES (%s)", [number])

        # It had not reached the disk: the number was free.
        given = server.ask("SELECT array_agg(xmin::text) FROM t WHERE id >= 200")
        assert xid in given
        proxy.heal()

        with pytest.raises(ConnectionError) as caught:
            await commit

        assert caught.value.outcome == "unknown"
        assert server.ask("SELECT count(*) FROM t WHERE id = 100") == 0
