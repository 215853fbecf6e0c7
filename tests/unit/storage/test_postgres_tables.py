"""``create_table`` on PostgreSQL: its own types, what other tools have made, and who comes second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infrastructure import Column, ConfigurationError, IntegrityError, OperationError
from infrastructure.storage.postgres import PostgresStorage
from tests.servers.postgres_endpoint import PostgresEndpoint

from .postgres_shared import alter

EVERYTHING: dict[str, Any] = {
    "id": "SERIAL PRIMARY KEY",
    "mood": """"Mood" DEFAULT 'happy'""",
    "list": "TEXT[] DEFAULT '{}'",
    "exact": "NUMERIC(12,4)[]",
    "five": "char(5) DEFAULT 'ab'",
    "one": "char",
    "bits": "varbit(7)",
    "bit": "bit",
    "clock": "time(3)",
    "place": "point",
    "wait": Column(timedelta, default=timedelta(hours=-30)),
    "raw": Column(bytes, default=b"a'\\\x00"),
    "text": Column(str, default="back\\slash'; DROP TABLE t"),
    "short": "VARCHAR(9) DEFAULT 'x'",
    "float": Column(float, default=float("inf")),
    "real": "REAL DEFAULT 0.1",
    "flag": "BOOLEAN DEFAULT true",
    "json": Column("JSON", default={"x": [1, "é"]}),
    "day": "DATE DEFAULT '2024-02-29'",
    "today": "DATE DEFAULT now()",
    "naive": "TIMESTAMP DEFAULT now()",
    "early": Column(datetime, default=datetime(1, 1, 1, tzinfo=UTC)),
    "key": "UUID DEFAULT gen_random_uuid()",
    "least": "BIGINT DEFAULT -9223372036854775808",
    "parent": "INTEGER REFERENCES everything(id)",
}


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    async with PostgresStorage(postgres_database.url) as opened:
        await opened.execute("""CREATE TYPE "Mood" AS ENUM ('happy', 'sad')""")
        yield opened


async def refused(storage: PostgresStorage, name: str, schema: dict[str, Any]) -> str:
    with pytest.raises(OperationError) as caught:
        await storage.create_table(name, schema)

    assert caught.value.sqlstate == "42P07"
    assert caught.value.outcome == "not_applied"
    return str(caught.value)


async def test_every_type_and_default_is_found_again(storage: PostgresStorage) -> None:
    """PostgreSQL's own types too, arrays, lengths, and defaults of every type."""
    for _ in range(2):
        await storage.create_table("everything", EVERYTHING)

    await storage.execute("INSERT INTO everything DEFAULT VALUES")
    row = (await storage.execute("SELECT * FROM everything"))[0]
    assert row["raw"] == b"a'\\\x00"
    assert row["text"] == "back\\slash'; DROP TABLE t"
    assert row["early"] == datetime(1, 1, 1, tzinfo=UTC)
    assert row["least"] == -(2**63)


@pytest.mark.parametrize(
    ("column", "spec"),
    [
        ("mood", """"Mood" DEFAULT 'sad'"""),
        ("mood", "TEXT DEFAULT 'happy'"),
        ("list", "TEXT[] DEFAULT '{a}'"),
        ("list", "TEXT DEFAULT '{}'"),
        ("exact", "NUMERIC(12,5)[]"),
        ("five", "char(6) DEFAULT 'ab'"),
        ("bits", "varbit"),
        ("clock", "time"),
        ("place", "no_such_type"),
        ("raw", Column(bytes, default=b"a'\\\x01")),
        ("today", "DATE"),
        ("parent", "INTEGER"),
        ("parent", "INTEGER REFERENCES other(id)"),
        ("id", "INTEGER PRIMARY KEY"),
    ],
)
async def test_another_type_or_default_is_a_difference(
    storage: PostgresStorage, column: str, spec: Any
) -> None:
    """The text of the error names the column."""
    await storage.create_table("other", {"id": "INTEGER PRIMARY KEY"})
    await storage.create_table("everything", EVERYTHING)
    assert repr(column) in await refused(storage, "everything", {**EVERYTHING, column: spec})


async def test_what_others_spelled_otherwise_is_the_same(storage: PostgresStorage) -> None:
    """A serial is an identity, a literal is what it means, a name is what it reaches."""
    await storage.execute("CREATE SCHEMA app")
    await storage.execute("CREATE TABLE app.parents (id int PRIMARY KEY)")
    await storage.execute(
        """CREATE TABLE app.made (
          id serial PRIMARY KEY, a varchar DEFAULT 'x', n numeric(12,4) DEFAULT 1.5,
          b bigint DEFAULT -5, f float DEFAULT 1, j json DEFAULT '{"b": 2,   "a": 1}',
          t timestamp DEFAULT localtimestamp, z timestamptz DEFAULT current_timestamp,
          e text DEFAULT NULL::text, l int[] DEFAULT array[1, 2],
          p int REFERENCES app.parents ON DELETE CASCADE, made_by text)"""
    )
    schema = {
        "id": "SERIAL PRIMARY KEY",
        "a": "TEXT DEFAULT 'x'",
        "n": "NUMERIC(12,4) DEFAULT 1.5",
        "b": "BIGINT DEFAULT -5",
        "f": "DOUBLE PRECISION DEFAULT 1",
        "j": """JSON DEFAULT '{"b":2,"a":1}'""",
        "t": "TIMESTAMP DEFAULT now()",
        "z": "TIMESTAMPTZ DEFAULT now()",
        "e": "TEXT",
        "l": "int[] DEFAULT '{1,2}'",
        "p": "INTEGER REFERENCES app.parents(id)",
    }
    await storage.create_table("app.made", schema)


async def test_an_expression_is_compared_as_text_and_not_run(storage: PostgresStorage) -> None:
    """A default that counts, or a generated column, is shown; nothing is called."""
    await storage.execute("CREATE SEQUENCE counter")
    await storage.execute(
        "CREATE TABLE made (n bigint DEFAULT nextval('counter'), g bigint GENERATED ALWAYS AS (1 + 1) STORED)"
    )
    text = await refused(storage, "made", {"n": "BIGINT DEFAULT 1", "g": "BIGINT DEFAULT 2"})
    assert "nextval('counter'::regclass)" in text
    assert "GENERATED ALWAYS AS" in text
    assert await storage.execute("SELECT is_called FROM counter") == [{"is_called": False}]


async def test_an_index_that_somebody_added_is_no_difference(storage: PostgresStorage) -> None:
    """A unique constraint is one, as it says something of the column."""
    await storage.create_table("made", {"id": "BIGINT", "name": "TEXT"})
    await storage.execute("CREATE UNIQUE INDEX ON made (name)")
    await storage.create_table("made", {"id": "BIGINT", "name": "TEXT"})
    await storage.execute("ALTER TABLE made ADD UNIQUE (name)")
    assert "'name'" in await refused(storage, "made", {"id": "BIGINT", "name": "TEXT"})
    await storage.create_table("made", {"id": "BIGINT", "name": "TEXT UNIQUE"})


async def test_a_view_of_that_name_is_named(storage: PostgresStorage) -> None:
    """It would have been left there without a word by IF NOT EXISTS."""
    await storage.execute("CREATE VIEW seen AS SELECT 1::bigint AS id")
    assert "a view" in await refused(storage, "seen", {"id": "BIGINT"})


async def test_those_who_come_second_find_the_table(postgres_database: PostgresEndpoint) -> None:
    """Ten at a time: one makes it, the others compare, however the server refuses them."""
    async with AsyncExitStack() as stack:
        storages = [
            await stack.enter_async_context(PostgresStorage(postgres_database.url))
            for _ in range(10)
        ]

        for number in range(5):
            schema = {"id": "BIGSERIAL PRIMARY KEY", "name": "TEXT UNIQUE"}
            await asyncio.gather(*(each.create_table(f"racy{number}", schema) for each in storages))


async def test_in_a_transaction_a_difference_ends_only_its_savepoint(
    storage: PostgresStorage,
) -> None:
    """What was done before stays, and what the server refuses is undone alone."""
    await storage.create_table("made", {"id": "BIGINT PRIMARY KEY"})

    async with storage.transaction():
        await storage.execute("INSERT INTO made VALUES (1)")
        await refused(storage, "made", {"id": "TEXT PRIMARY KEY"})

        with pytest.raises(OperationError):
            await storage.create_table("more", {"id": "no_such_type"})

        await storage.create_table("more", {"id": "BIGINT REFERENCES made(id)"})
        await storage.execute("INSERT INTO more VALUES (1)")

    with pytest.raises(IntegrityError):
        await storage.execute("INSERT INTO more VALUES (2)")


async def test_without_the_privilege_it_says_what_to_grant(
    postgres_database: PostgresEndpoint,
) -> None:
    """A set-up step that this role may not do is a matter of configuration."""
    # Until 14 everybody might, in a new database.
    alter(postgres_database, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")

    with postgres_database.role() as role:
        async with PostgresStorage(role.url) as storage:
            with pytest.raises(ConfigurationError, match="GRANT CREATE ON SCHEMA") as caught:
                await storage.create_table("made", {"id": "BIGINT"})

    assert caught.value.sqlstate == "42501"
