"""``execute_many`` on PostgreSQL: all or nothing, whichever way the rows go, and which row was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from infrastructure.interfaces.exceptions import (
    IntegrityError,
    OperationError,
    TransactionError,
    ValidationError,
)
from infrastructure.storage.postgres import PostgresStorage, _copy

from ...servers.postgres_endpoint import PostgresEndpoint

INSERT = "INSERT INTO t (a, b) VALUES ($1, $2)"
UPSERT = INSERT + " ON CONFLICT (a) DO UPDATE SET b = t.b || excluded.b"
UPDATE = "UPDATE t SET b = $2 WHERE a = $1"
DDL = "CREATE TABLE t (a int PRIMARY KEY, b varchar(20), c timestamptz)"
WAYS = [(INSERT, "auto"), (INSERT, "values"), (UPSERT, "auto"), (INSERT + " -- ", "copy")]
COUNTS = [1, 49, 51, 1001, 1999, 2000, 4500]


@pytest.fixture(scope="module")
def database(postgres: PostgresEndpoint) -> Iterator[PostgresEndpoint]:
    """One database for all tests here."""
    with postgres.database() as made:
        yield made


@pytest.fixture
async def storage(database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage with an empty table."""
    settings = {"synchronous_commit": "off"}

    async with PostgresStorage(database.url, settings=settings) as opened:
        await opened.execute("DROP TABLE IF EXISTS t")
        await opened.execute(DDL)
        yield opened


def rows(count: int) -> list[list[Any]]:
    """Rows that are right."""
    return [[number, f"row {number}"] for number in range(count)]


async def count(storage: PostgresStorage) -> int:
    """How many rows are there."""
    found: int = (await storage.execute("SELECT count(*) AS n FROM t"))[0]["n"]
    return found


@pytest.mark.parametrize(("text", "bulk"), WAYS)
@pytest.mark.parametrize("number", COUNTS)
async def test_all_rows_are_written(storage: PostgresStorage, text, bulk, number) -> None:
    """From a list, and from an iterator; outside a transaction, and inside one."""
    await storage.execute_many(text, rows(number), bulk=bulk)
    found = await storage.execute("SELECT a, b FROM t ORDER BY a")
    assert [list(row.values()) for row in found] == rows(number)
    await storage.execute("DELETE FROM t")

    async with storage.transaction():
        await storage.execute_many(text, iter(rows(number)), bulk=bulk)
        assert await count(storage) == number

    assert await count(storage) == number


@pytest.mark.parametrize(("text", "bulk"), [*WAYS, (UPDATE, "auto")])
@pytest.mark.parametrize("position", [0, 48, 50, 1000, 2400])
@pytest.mark.parametrize(
    ("bad", "kind", "state"),
    [
        ([-1, "x" * 21], OperationError, "22001"),
        ([2**31, ""], ValidationError, None),
        ([-1, "a\0b"], ValidationError, None),
        ([-1, 1], ValidationError, None),
        ([True, ""], ValidationError, None),
        ([-1], ValidationError, None),
        ([-1, "", ""], ValidationError, None),
        ("ab", ValidationError, None),
        ({0: 1, 1: "x"}, ValidationError, None),
        (iter([-1, "x"]), ValidationError, None),
    ],
)
async def test_a_bad_row_undoes_all_and_is_named(
    storage: PostgresStorage, text, bulk, position, bad, kind, state
) -> None:
    """Its index is exact; an open transaction goes on where nothing was executed."""
    await storage.execute("INSERT INTO t (a, b) VALUES (-1, '')")
    many = rows(2500)
    many[position] = bad

    with pytest.raises(kind) as caught:
        await storage.execute_many(text, iter(many), bulk=bulk)

    assert (caught.value.sqlstate, caught.value.row_index) == (state, position)
    assert await storage.execute("SELECT a, b FROM t") == [{"a": -1, "b": ""}]


@pytest.mark.parametrize("position", [0, 31, 1500])
@pytest.mark.parametrize(("text", "bulk"), [(INSERT, "auto"), (INSERT, "values")])
async def test_a_key_that_is_there_is_named(storage: PostgresStorage, text, bulk, position) -> None:
    """The one of the table, and one of the same call."""
    many = [[number + 1, ""] for number in range(2000)]
    many[position][0] = many[position - 1][0] if position else 0
    await storage.execute("INSERT INTO t (a) VALUES (0)")

    with pytest.raises(IntegrityError) as caught:
        await storage.execute_many(text, many, bulk=bulk)

    assert (caught.value.sqlstate, caught.value.row_index) == ("23505", position)
    assert await count(storage) == 1


async def test_rows_of_one_call_meet_in_their_order(storage: PostgresStorage) -> None:
    """An upsert of one key twice finds what the row before has left."""
    await storage.execute_many(UPSERT, [*rows(60), [3, "+"], [3, "-"]])
    assert await storage.execute("SELECT b FROM t WHERE a = 3") == [{"b": "row 3+-"}]


@pytest.mark.parametrize("number", [10, 100, 2000, 5000])
@pytest.mark.parametrize(
    "error",
    [ValidationError("mine", row_index=7), OperationError("", sqlstate="42601"), LookupError()],
)
async def test_an_error_of_the_iterable_comes_back(storage, number, error: Any) -> None:
    """As it is, also one of ours, after the rollback; an open transaction goes on."""

    def broken() -> Iterator[list[Any]]:
        yield from rows(number)
        raise error

    for text, bulk in WAYS:
        async with storage.transaction():
            await storage.execute("INSERT INTO t (a) VALUES (-1)")

            with pytest.raises(type(error)) as caught:
                await storage.execute_many(text, broken(), bulk=bulk)

            assert caught.value is error
            assert getattr(error, "row_index", None) in (7, None)
            assert await count(storage) == 1
            await storage.execute("DELETE FROM t")


async def test_a_server_error_fails_the_open_transaction(storage: PostgresStorage) -> None:
    """As a failed statement does; one found before execution does not."""
    await storage.begin_transaction()

    with pytest.raises(ValidationError):
        await storage.execute_many(INSERT, [*rows(70), [70, 1]])

    assert await count(storage) == 0

    with pytest.raises(IntegrityError):
        await storage.execute_many(INSERT, [*rows(70), [1, ""]])

    with pytest.raises(TransactionError) as caught:
        await count(storage)

    assert caught.value.sqlstate == "25P02"
    await storage.rollback()


@pytest.mark.parametrize(("text", "bulk"), WAYS)
async def test_a_cancelled_call_leaves_nothing(storage: PostgresStorage, text, bulk) -> None:
    """While the rows go to the server; its connection serves others afterwards."""
    begun = asyncio.Event()

    def endless() -> Iterator[list[Any]]:
        number = 0

        while True:
            yield [number, ""]
            number += 1

            if number == 20_000:
                begun.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(storage.execute_many(text, endless(), bulk=bulk))
        await begun.wait()
        task.cancel()

    assert await count(storage) == 0
    await storage.execute_many(text, rows(60), bulk=bulk)
    assert await count(storage) == 60


@pytest.mark.parametrize(("text", "bulk"), [*WAYS, (UPDATE, "auto")])
async def test_others_have_their_turn_meanwhile(storage: PostgresStorage, text, bulk) -> None:
    """Every few thousand rows at least."""
    turns = 0
    ended = False
    seen: list[int] = []

    def watched() -> Iterator[list[Any]]:
        for number, row in enumerate(rows(40_000)):
            if number % 4000 == 0:
                seen.append(turns)

            yield row

    async def tick() -> None:
        nonlocal turns

        while not ended:
            turns += 1
            await asyncio.sleep(0)

    ticking = asyncio.get_running_loop().create_task(tick())
    await storage.execute_many(text, watched(), bulk=bulk)
    ended = True
    await ticking
    assert seen == sorted(set(seen))


async def test_a_text_for_another_type_goes_row_by_row(storage: PostgresStorage) -> None:
    """What only the server can read, among what COPY carries; all rows are there, in order."""
    text = "INSERT INTO t (a, c) VALUES ($1, $2)"
    when = "2024-01-01T00:00Z"
    many: list[list[Any]] = [[number, None] for number in range(3000)]
    many[1500][1] = when
    await storage.execute_many(text, many)
    found = await storage.execute("SELECT a FROM t WHERE c = '2024-01-01Z'")
    assert found == [{"a": 1500}]
    assert await count(storage) == 3000

    with pytest.raises(ValidationError, match="row 1500 goes as text only") as caught:
        await storage.execute_many(text, [[row[0] - 3000, row[1]] for row in many], bulk="copy")

    assert caught.value.row_index == 1500
    assert await count(storage) == 3000


async def test_bulk_copy_says_why_not(storage: PostgresStorage) -> None:
    """What is no plain INSERT, and what COPY would do otherwise."""
    for text, why in [
        (UPDATE, "not a plain INSERT"),
        ("INSERT INTO t (a, b) VALUES ($1 + 1, $2)", "not a plain INSERT"),
        (UPSERT, "ON CONFLICT"),
    ]:
        with pytest.raises(ValidationError, match=why):
            await storage.execute_many(text, rows(2), bulk="copy")

    with pytest.raises(ValidationError, match="bulk="):
        await storage.execute_many(INSERT, rows(2), bulk="text")


async def test_row_level_security_is_kept(
    database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Rows that a policy refuses are refused; the others are written."""
    with database.role() as role:
        name = role.user
        await storage.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
        await storage.execute(f'CREATE POLICY p ON t TO "{name}" USING (true) WITH CHECK (a < 100)')
        await storage.execute(f'GRANT ALL ON t TO "{name}"')

        async with PostgresStorage(role.url) as theirs:
            await theirs.execute_many(INSERT, rows(60))
            assert await count(storage) == 60

            with pytest.raises(ValidationError, match="row-level security"):
                await theirs.execute_many(INSERT, rows(60), bulk="copy")

            with pytest.raises(OperationError) as caught:
                await theirs.execute_many(INSERT, [[number + 60, ""] for number in range(60)])

            assert (caught.value.sqlstate, caught.value.row_index) == ("42501", 40)

        await storage.execute(f'DROP OWNED BY "{name}"')


async def test_what_another_client_changes_is_seen(
    database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """A trigger, a column's type: from the next call on."""
    await storage.execute_many(INSERT, rows(60))

    with database.control() as control:
        control.execute("CREATE TABLE IF NOT EXISTS log (n int); TRUNCATE log")
        control.execute(
            "CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO log VALUES (1); RETURN NULL; END $$"
        )
        control.execute("CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION note()")

    await storage.execute_many(INSERT, [[number + 60, ""] for number in range(60)])
    assert await storage.execute("SELECT count(*) AS n FROM log") == [{"n": 60}]

    with database.control() as control:
        control.execute(
            "DROP TRIGGER x ON t; ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY"
        )

    with pytest.raises(OperationError) as caught:
        await storage.execute_many(INSERT, [[number + 200, ""] for number in range(60)])

    assert caught.value.sqlstate == "428C9"

    with database.control() as control:
        control.execute("ALTER TABLE t ALTER a DROP IDENTITY; ALTER TABLE t ALTER a TYPE numeric")

    for number in (10, 60, 2000):
        await storage.execute("DELETE FROM t")
        await storage.execute_many(INSERT, [[Decimal(n) / 2, ""] for n in range(number)])
        assert await count(storage) == number


async def test_a_row_may_need_another_plan(storage: PostgresStorage) -> None:
    """An interval beside a timestamp is declared by its value."""
    await storage.execute_many(INSERT, rows(3))
    text = "UPDATE t SET c = '2024-01-02Z'::timestamptz - $2 WHERE a = $1"
    day = timedelta(days=1)
    await storage.execute_many(text, [[0, day], [1, "1 day"], [2, None]])
    found = await storage.execute("SELECT c FROM t ORDER BY a")
    assert [row["c"] and row["c"].day for row in found] == [1, 1, None]


@pytest.mark.parametrize("bulk", ["auto", "values"])
async def test_without_pipelining_it_works_too(database: PostgresEndpoint, storage, bulk) -> None:
    """One statement at a time, for servers that want it so."""
    options: dict[str, Any] = {"pipelining": False, "bulk": bulk, "max_connections": 1}

    async with PostgresStorage(database.url, **options) as slow:
        await slow.execute_many(INSERT, rows(60))
        await slow.execute_many(UPSERT, [[number, "+"] for number in (0, 1, 0)])
        await slow.execute_many(UPDATE, [[number, "new"] for number in range(5)])
        assert await count(slow) == 60

        with pytest.raises(OperationError) as caught:
            await slow.execute_many(UPDATE, [[0, ""], [1, "x" * 30]])

        assert caught.value.row_index == 1


async def test_a_naive_datetime_is_refused_by_every_way(storage: PostgresStorage) -> None:
    """TIMESTAMPTZ takes aware ones."""
    text = "INSERT INTO t (a, c) VALUES ($1, $2)"
    many: list[list[Any]] = [[number, None] for number in range(60)]
    many[45][1] = datetime(2024, 1, 1)  # noqa: DTZ001

    for bulk in ("auto", "values", "copy"):
        with pytest.raises(ValidationError, match="aware") as caught:
            await storage.execute_many(text, many, bulk=bulk)

        assert caught.value.row_index == 45


async def test_many_rows_go_by_several_copies(storage: PostgresStorage, monkeypatch) -> None:
    """The server is heard of between two, and a bad row is named over all of them."""
    taken = 0

    def watched() -> Iterator[list[Any]]:
        nonlocal taken

        for row in rows(50_000):
            taken += 1
            yield row

    monkeypatch.setattr(_copy.CopyStream.__init__, "__defaults__", (32 * 1024,))
    monkeypatch.setattr(_copy, "_BYTES", 4 * 1024)

    for number in (1999, 20_000):
        await storage.execute("DELETE FROM t")
        await storage.execute_many(INSERT, rows(number))
        assert await count(storage) == number

    await storage.execute("DELETE FROM t WHERE a <> 15000")

    with pytest.raises(IntegrityError) as caught:
        await storage.execute_many(INSERT, watched())

    assert caught.value.row_index == 15_000
    assert taken < 30_000
    assert await count(storage) == 1
