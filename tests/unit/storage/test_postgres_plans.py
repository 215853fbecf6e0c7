"""What is known of a statement is right: whoever changed the tables, whatever a value is, wherever it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from infrastructure.interfaces import (
    InfrastructureError,
    OperationError,
    ValidationError,
)
from infrastructure.storage.postgres import PostgresStorage, _plans

from ...servers.postgres_endpoint import PostgresEndpoint
from .postgres_shared import alter, fast, lane_for

BIG = 2**40
GROW = "ALTER TABLE t ALTER v TYPE bigint USING 1099511627776"
READ = "SELECT v FROM t WHERE id = $1"
ALL = "SELECT * FROM t"


@pytest.fixture(params=[True, False], ids=["pipelined", "pooled"])
async def storage(
    postgres_database: PostgresEndpoint, request: pytest.FixtureRequest
) -> AsyncIterator[PostgresStorage]:
    """A storage with a table of one row."""
    alter(
        postgres_database,
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "INSERT INTO t VALUES (1, 7)",
    )

    async with PostgresStorage(postgres_database.url, pipelining=request.param) as opened:
        yield opened


async def values(storage: PostgresStorage, count: int = 4) -> list[Any]:
    """Read the value by several connections at once."""
    found = await asyncio.gather(*(storage.execute(READ, [1]) for _ in range(count)))
    return [row["v"] for [row] in found]


async def test_a_column_of_another_type(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Connections that prepare a statement after the change give what is there: not the first half of it."""
    assert await values(storage, 1) == [7]
    alter(postgres_database, GROW)
    assert await values(storage) == [BIG] * 4
    alter(postgres_database, "ALTER TABLE t ALTER v TYPE text")
    assert await values(storage) == [str(BIG)] * 4


async def test_a_column_of_another_type_on_a_shared_connection(
    postgres_database: PostgresEndpoint,
) -> None:
    """It prepares what another connection has described."""
    alter(postgres_database, "CREATE TABLE t (id int, v int)", "INSERT INTO t VALUES (1, 7)")

    async with PostgresStorage(postgres_database.url) as storage:
        await lane_for(storage, "SELECT 1 AS one")
        await fast(storage, ALL)
        storage._engine._lanes._lanes[0]._names.forget_all()  # type: ignore[union-attr]
        alter(postgres_database, GROW)
        assert await storage.execute(ALL) == [{"id": 1, "v": BIG}]
        alter(postgres_database, "ALTER TABLE t RENAME v TO w")
        assert await storage.execute(ALL) == [{"id": 1, "w": BIG}]


async def test_a_parameter_of_another_type_on_a_shared_connection(
    postgres_database: PostgresEndpoint,
) -> None:
    """A write that was declared for the column of before is made anew, and done once."""
    insert = "INSERT INTO t (v) VALUES ($1)"
    alter(postgres_database, "CREATE TABLE t (v text)")

    async with PostgresStorage(postgres_database.url) as storage:
        lane = await lane_for(storage, insert, ["one"])
        lane._names.forget_all()
        alter(postgres_database, "TRUNCATE t", "ALTER TABLE t ALTER v TYPE int USING 0")
        await storage.execute(insert, ["1"])
        await storage.execute(insert, [2])
        assert await storage.execute("SELECT v FROM t ORDER BY v") == [{"v": 1}, {"v": 2}]


async def test_a_column_whose_type_only_has_a_text(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """What was asked for in binary cannot be read: it says so, and the next one is right."""
    assert await values(storage, 1) == [7]
    alter(
        postgres_database,
        "CREATE TYPE mood AS ENUM ('ok')",
        "ALTER TABLE t ALTER v TYPE mood USING 'ok'",
    )

    with pytest.raises(OperationError, match="its columns have changed") as caught:
        await storage.execute(READ, [1])

    assert caught.value.outcome == "applied"
    assert await values(storage) == ["ok"] * 4


async def test_a_parameter_of_another_type(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Outside a transaction at once; inside one it fails, and the next is right."""
    insert = "INSERT INTO t (id, v) VALUES ($1, $2)"
    await storage.execute(insert, [2, 3])
    alter(postgres_database, "ALTER TABLE t ALTER v TYPE text")
    await storage.execute(insert, [3, "three"])
    alter(postgres_database, "ALTER TABLE t ALTER v TYPE boolean USING false")

    with pytest.raises(OperationError) as caught:
        async with storage.transaction():
            await storage.execute(insert, [4, "true"])

    assert caught.value.sqlstate == "42804"

    async with storage.transaction():
        await storage.execute(insert, [4, True])

    assert await storage.execute("SELECT v FROM t WHERE id = 4") == [{"v": True}]


async def test_prepared_in_a_transaction_for_other_columns(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """The server refuses it there, once."""

    async def read() -> Any:
        async with storage.transaction():
            return await storage.execute(ALL)

    for _ in range(3):
        await read()

    alter(postgres_database, "ALTER TABLE t ADD w int")

    with pytest.raises(OperationError) as caught:
        await read()

    assert caught.value.sqlstate == "0A000"
    assert await read() == [{"id": 1, "v": 7, "w": None}]


async def test_what_a_search_path_of_one_transaction_means(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Other tables, with other columns, of the same name; and nowhere else."""
    alter(
        postgres_database,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (v text, id int)",
        "INSERT INTO a.t VALUES ('theirs', 1)",
    )

    for _ in range(4):
        assert await values(storage, 1) == [7]
        assert await storage.execute(ALL) == [{"id": 1, "v": 7}]

        async with storage.transaction():
            await storage.execute("SET LOCAL search_path = a")

            for _ in range(3):
                assert await values(storage, 1) == ["theirs"]
                assert await storage.execute(ALL) == [{"v": "theirs", "id": 1}]

            await storage.execute("INSERT INTO t (v, id) VALUES ($1, 2)", ["x"])

        async with storage.transaction():
            await storage.execute("SELECT set_config($1, 'a', true)", ["search_path"])
            assert await storage.execute(READ, [2]) == [{"v": "x"}]
            await storage.execute("DELETE FROM t WHERE id = 2")


async def test_a_savepoint_takes_its_search_path_along(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """After it is rolled back names mean what they did."""
    alter(postgres_database, "CREATE SCHEMA a", "CREATE TABLE a.t (id int, v text)")

    async with storage.transaction():
        assert await values(storage, 1) == [7]
        await storage.begin_transaction()
        await storage.execute("SET LOCAL search_path = a")
        assert await storage.execute(READ, [1]) == []
        await storage.rollback()
        assert await values(storage, 1) == [7]


async def test_a_temporary_table_hides_another(storage: PostgresStorage) -> None:
    """In its transaction alone."""
    assert await values(storage, 1) == [7]

    async with storage.transaction():
        assert await values(storage, 1) == [7]
        await storage.execute("CREATE TEMP TABLE t (v text, id int) ON COMMIT DROP")
        await storage.execute("INSERT INTO t VALUES ('mine', $1)", [1])
        assert await values(storage, 1) == ["mine"]

    assert await values(storage) == [7] * 4


async def test_a_change_that_is_rolled_back(storage: PostgresStorage) -> None:
    """Nobody else ever knew of it, nor its transaction afterwards."""
    assert await values(storage, 1) == [7]

    with pytest.raises(ZeroDivisionError):
        async with storage.transaction():
            await storage.execute("ALTER TABLE t ALTER v TYPE text")
            assert await values(storage, 1) == ["7"]
            raise ZeroDivisionError

    assert await values(storage) == [7] * 4

    async with storage.transaction():
        await storage.execute("ALTER TABLE t ALTER v TYPE text")

    assert await values(storage) == ["7"] * 4


async def test_a_custom_setting_changes_no_plan(storage: PostgresStorage) -> None:
    """What row level security is told in every transaction: the statement stays prepared."""
    await values(storage, 1)
    known = list(storage._engine.plans._plans)

    for text in ("SET LOCAL app.tenant = 'x'", "SELECT set_config('app.tenant', 'x', true)"):
        async with storage.transaction():
            await storage.execute(text)
            await values(storage, 1)
            connection = storage._engine.transactions.current("").root.session.connection  # type: ignore[union-attr]
            assert connection.plans is None

    assert [key for key in known if key not in storage._engine.plans._plans] == []


@pytest.mark.parametrize(
    "text", ["NOTIFY n", "LOCK TABLE t", "TRUNCATE e", "ANALYZE t", "CALL p()"]
)
async def test_what_changes_no_schema_leaves_the_plans(
    postgres_database: PostgresEndpoint, storage: PostgresStorage, text: str
) -> None:
    """Such as a NOTIFY after each write."""
    alter(postgres_database, "CREATE TABLE e ()", "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'")
    await values(storage, 1)

    async with storage.transaction():
        await storage.execute(text)

    assert storage._engine.plans._plans


@pytest.mark.parametrize(
    ("query", "first", "then"),
    [
        ("SELECT pg_typeof($1)::text AS v", UUID(int=1), str(UUID(int=1))),
        ("SELECT pg_typeof(now() - $1)::text AS v", timedelta(1), None),
        ("SELECT pg_typeof($1)::text AS v", timedelta(1), "1 day"),
        ("SELECT $1 IS NULL AS v", 1, "x"),
        ("SELECT pg_typeof($1 || $2)::text AS v", 1, "x"),
    ],
)
async def test_a_value_means_what_it_would_alone(
    storage: PostgresStorage, query: str, first: object, then: object
) -> None:
    """Whatever the text was run with before, many times."""

    async def alone(value: object) -> Any:
        storage._engine.plans.clear()
        storage._engine.plans._untyped.clear()
        return await outcome(value)

    async def outcome(value: object) -> Any:
        count = 2 if "$2" in query else 1

        try:
            return await storage.execute(query, [value] * count)
        except InfrastructureError as exc:
            return type(exc), exc.sqlstate

    expected = {value: await alone(value) for value in (first, then)}

    for value in (first, then, first, then):
        for _ in range(3):
            assert await outcome(value) == expected[value]

            for plan in storage._engine.plans._plans.values():
                plan.seconds = 0.0


async def test_a_procedure_is_not_called_again(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """It may have committed before it failed, in whatever words it fails."""
    alter(
        postgres_database,
        """
        CREATE PROCEDURE p(n int) LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO t VALUES (n, n);
            COMMIT;
            RAISE EXCEPTION USING ERRCODE = '0A000';
        END $$
        """,
    )

    for number in (2, 3, 4):
        with pytest.raises(OperationError):
            await storage.execute("CALL p($1)", [number])

    assert [row["id"] for row in await storage.execute("SELECT id FROM t ORDER BY id")] == [
        1,
        2,
        3,
        4,
    ]


async def test_what_is_refused_before_it_runs_leaves_its_transaction(
    storage: PostgresStorage,
) -> None:
    """As if it had not been sent."""
    async with storage.transaction():
        await storage.execute("UPDATE t SET v = $1", [8])

        with pytest.raises(ValidationError):
            await storage.execute("SELECT v, id AS v FROM t WHERE id = $1", [1])

        with pytest.raises(ValidationError):
            await storage.execute(READ, [object()])

        assert await values(storage, 1) == [8]

    assert await values(storage, 1) == [8]


async def test_only_so_many_are_kept(
    storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those used least recently are forgotten."""
    monkeypatch.setattr(_plans, "_CACHED", 4)
    plans = storage._engine.plans

    for number in range(10):
        async with storage.transaction():
            await storage.execute("SELECT 1 AS one")

        assert await storage.execute(f"SELECT {number} AS n") == [{"n": number}]
        # Nothing tells the type of this one.
        untyped = f"SELECT $1 IS NULL AND {number} > 0 AS n"
        assert await storage.execute(untyped, [1]) == [{"n": False}]
        assert len(plans._plans) <= 4
        assert len(plans._untyped) <= 4
        assert len(plans.fast) <= 4
        assert ("SELECT 1 AS one", ()) in plans._plans
