"""Answers that no server gives, though what is between may: nothing is done twice for them."""

from __future__ import annotations

import asyncio
import builtins
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from infrastructure.interfaces.exceptions import InfrastructureError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.serving import serving
from .postgres_shared import alter, lane_for

INSERT = "INSERT INTO t (id, v) VALUES ($1, $2)"
UPSERT = f"{INSERT} ON CONFLICT (id) DO UPDATE SET v = t.v + 1"
WRITE = "INSERT INTO w (id) VALUES ($1)"

_BODY = b"SFATAL\0VFATAL\0CXX000\0Mthe pooler lost its server\0\0"
FATAL = b"E" + struct.pack("!i", len(_BODY) + 4) + _BODY


class Relay:
    """Hands on what both sides say; ``change`` may give other bytes for the server's, and end the link."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self.change: Callable[[bytes], tuple[bytes, bool]] = lambda data: (data, False)
        self.changed = 0

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        upper, lower = await asyncio.open_connection(*self._target)

        async def up() -> None:
            while data := await reader.read(65536):
                lower.write(data)

            lower.close()

        async def down() -> None:
            while data := await upper.read(65536):
                said, is_over = self.change(data)
                self.changed += said != data
                writer.write(said)

                if is_over:
                    break

            writer.close()

        try:
            with suppress(builtins.ConnectionError):
                await asyncio.gather(up(), down())
        finally:
            lower.close()

    def once(self, mark: bytes, instead: bytes | None = None) -> None:
        """Give what has ``mark`` as something else, or a fatal error and the end."""

        def change(data: bytes) -> tuple[bytes, bool]:
            if mark not in data or self.changed:
                return data, False

            return (FATAL, True) if instead is None else (data.replace(mark, instead, 1), False)

        self.change = change


@asynccontextmanager
async def through(
    database: PostgresEndpoint, *, group_commit: bool = False
) -> AsyncIterator[tuple[Relay, PostgresStorage]]:
    """Give a storage behind a relay, and two tables."""
    alter(database, "CREATE TABLE t (id int PRIMARY KEY, v int)", "CREATE TABLE w (id int)")
    relay = Relay((database.host, database.port))

    async with (
        serving(relay.listen) as (host, port),
        PostgresStorage(database.moved(host, port), deadline=5, group_commit=group_commit) as made,
    ):
        yield relay, made


@pytest.mark.parametrize(
    ("text", "rows", "mark"),
    [
        (UPSERT, 1000, b"INSERT 0 1000\0"),
        (INSERT.replace(" t ", " w2 "), 10, b"INSERT 0 1\0"),
        (INSERT.replace(" t ", " w2 "), 1000, b"COPY 1000\0"),
    ],
    ids=["arrays", "rows", "copy"],
)
async def test_rows_whose_answer_was_an_end_are_not_sent_again(
    postgres_database: PostgresEndpoint, text: str, rows: int, mark: bytes
) -> None:
    """They may be applied: each of them is at most once, and the outcome is unknown."""
    alter(postgres_database, "CREATE TABLE w2 (id int, v int)")

    async with through(postgres_database) as (relay, storage):
        relay.once(mark)

        with pytest.raises(InfrastructureError) as caught:
            await storage.execute_many(text, [[number, 0] for number in range(rows)])

        assert relay.changed == 1
        assert caught.value.outcome == "unknown"

        with postgres_database.control() as control:
            for table in (b"t", b"w2"):
                [(most, more)] = control.execute(
                    b"SELECT coalesce(max(n), 0), coalesce(max(v), 0) FROM "
                    b"(SELECT count(*) AS n, max(v) AS v FROM "
                    + table
                    + b" GROUP BY id) AS counted"
                ).fetchall()
                assert most <= 1
                assert more == 0


async def test_a_group_whose_answer_could_not_be_read_is_not_run_again(
    postgres_database: PostgresEndpoint,
) -> None:
    """It is committed, as far as anybody knows."""
    async with through(postgres_database, group_commit=True) as (relay, storage):
        await lane_for(storage, WRITE, [-1])
        relay.once(b"INSERT 0 1\0", b"INSERT 0 1X")
        writes = [storage.execute(WRITE, [number]) for number in range(5)]
        told = await asyncio.gather(*writes, return_exceptions=True)
        assert relay.changed == 1
        assert {getattr(each, "outcome", None) for each in told} == {"unknown"}

        with postgres_database.control() as control:
            found = control.execute(
                b"SELECT max(n) FROM (SELECT count(*) AS n FROM w WHERE id >= 0 GROUP BY id) AS c"
            )
            assert found.fetchall() in ([(1,)], [(None,)])
