"""What is notified after ``listen`` began is heard, over reconnects, by everybody who reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces import (
    ConfigurationError,
    ConnectionError,
    TimeoutError,
    ValidationError,
    deadline,
)
from infrastructure.storage.postgres import PostgresStorage, notifications
from infrastructure.storage.postgres.notifications import Notification
from infrastructure.testing import ChaosProxy

from ...servers.pgbouncer import PgBouncer
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until

ASKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT 1'"
"""How many sessions were asked last whether they live."""


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage with a database of its own."""
    async with PostgresStorage(postgres_database.url, deadline=5) as opened:
        yield opened


def notify(database: PostgresEndpoint, payload: str = "", channel: str = "jobs") -> None:
    with database.control() as control:
        control.execute("SELECT pg_notify(%s, %s)", [channel, payload])


def listening(database: PostgresEndpoint) -> int:
    """How many sessions have said LISTEN, or UNLISTEN, last."""
    found: int = database.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND query ~ 'LISTEN'"
    )
    return found


async def test_what_is_sent_is_heard(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """From the beginning of the block on, in order; by all who read the channel, and no others."""
    one, two, other = map(storage.listen, ("jobs", "jobs", "other jobs"))

    async with one, two, other:
        for number in range(3):
            notify(postgres_database, f"شغل {number}")

        notify(postgres_database, channel="other jobs")

        for reader in (one, two):
            heard = [await anext(reader) for _ in range(3)]
            assert heard == [Notification("jobs", f"شغل {n}") for n in range(3)]

        assert await anext(other) == Notification("other jobs", "")
        assert listening(postgres_database) == 1


async def test_our_own_are_heard(storage: PostgresStorage) -> None:
    """When their transaction is committed."""
    async with storage.listen("jobs") as reader:
        async with storage.transaction():
            await storage.execute("NOTIFY jobs, 'one'")

        assert (await anext(reader)).payload == "one"


async def test_without_a_block(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """It begins with the first ``anext``, and ends with ``aclose``."""
    reader = storage.listen("jobs")
    first = asyncio.ensure_future(anext(reader))
    await until(lambda: "jobs" in storage._engine.listener._heard)
    notify(postgres_database, "one")
    assert (await first).payload == "one"
    await reader.aclose()
    await reader.aclose()
    await until(lambda: not listening(postgres_database))


async def test_again_after_the_last_reader_has_left(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """The server is asked anew."""
    for payload in ("one", "two", "three"):
        async with storage.listen("jobs") as reader:
            notify(postgres_database, payload)

            async with asyncio.timeout(2):
                assert (await anext(reader)).payload == payload

        if payload == "two":
            await until(lambda: not listening(postgres_database))


async def test_who_joins_while_another_leaves(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Hears what is sent from then on, however close the two are."""
    async with storage.listen("always"):
        for number in range(30):
            async with storage.listen("jobs"):
                pass

            for _ in range(number % 5):
                await asyncio.sleep(0)

            async with storage.listen("jobs") as reader:
                await storage.execute("SELECT pg_notify('jobs', $1)", [str(number)])

                async with asyncio.timeout(2):
                    assert (await anext(reader)).payload == str(number)


async def test_a_cancelled_anext_loses_nothing(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Nor does one whose deadline passes."""
    async with storage.listen("jobs") as reader:
        waiting = asyncio.ensure_future(anext(reader))
        await until(lambda: reader._wake)
        waiting.cancel()
        await asyncio.wait({waiting})

        with pytest.raises(TimeoutError, match="before anything came"), deadline(0.05):
            await anext(reader)

        notify(postgres_database, "one")
        assert (await anext(reader)).payload == "one"


async def test_two_that_wait_on_one_reader(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Each gets one of what comes."""
    async with storage.listen("jobs") as reader:
        waiting = [asyncio.ensure_future(anext(reader)) for _ in range(2)]
        await until(lambda: reader._wake)
        notify(postgres_database, "one")
        notify(postgres_database, "two")
        heard = await asyncio.gather(*waiting)
        assert {each.payload for each in heard} == {"one", "two"}


async def test_a_cancelled_beginning_leaves_nothing(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """No reader, no connection."""
    begins = asyncio.ensure_future(anext(storage.listen("jobs")))
    await asyncio.sleep(0)
    begins.cancel()
    await asyncio.wait({begins})
    assert not storage._engine.listener._readers
    await until(lambda: not listening(postgres_database))


async def test_a_reader_that_does_not_read(
    postgres_database: PostgresEndpoint,
    storage: PostgresStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Is told that it has missed some, and memory stays bounded."""
    monkeypatch.setattr(notifications, "_MOST", 3)

    async with storage.listen("jobs") as reader:
        for number in range(5):
            notify(postgres_database, str(number))

        await until(lambda: reader._dropped)
        assert [(await anext(reader)).payload for _ in range(3)] == ["0", "1", "2"]
        # Nothing need come for it.
        assert await anext(reader) == Notification("jobs", "", missed=True)
        notify(postgres_database, "5")
        assert (await anext(reader)).payload == "5"


async def test_a_reader_that_is_closed_while_somebody_waits(storage: PostgresStorage) -> None:
    """Whoever waits in another task is told."""
    reader = storage.listen("jobs")

    async with reader:
        waiting = asyncio.ensure_future(anext(reader))
        await asyncio.sleep(0.05)

    with pytest.raises(ConnectionError, match="closed by aclose"):
        await waiting


class TestLoss:
    async def test_it_goes_on(self, postgres_database: PostgresEndpoint, proxy: ChaosProxy) -> None:
        """Who reads is told that something may be missed; who joins later is not."""
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, deadline=5) as storage, storage.listen("jobs") as reader:
            for _ in range(2):
                proxy.refuse()
                proxy.cut()
                await until(lambda: not storage._engine.listener._heard)
                notify(postgres_database, "missed")
                proxy.heal()
                assert await anext(reader) == Notification("jobs", "", missed=True)
                notify(postgres_database, "one")
                assert (await anext(reader)).payload == "one"

            async with storage.listen("jobs") as other:
                notify(postgres_database, "two")
                assert (await anext(other)).payload == "two"

    async def test_who_joins_waits_for_no_back_off(
        self,
        postgres_database: PostgresEndpoint,
        proxy: ChaosProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """He is told at once that the server is away, and let in at once when it is back."""
        monkeypatch.setattr("infrastructure.storage.postgres._listen._BACK_OFF", (60.0, 60.0))
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, deadline=5) as storage, storage.listen("jobs"):
            proxy.refuse()
            proxy.cut()
            await until(lambda: not storage._engine.listener._heard)

            with pytest.raises(ConnectionError):
                await storage.listen("others").__aenter__()

            proxy.heal()
            watch = Stopwatch()

            async with storage.listen("others"):
                assert watch.taken < 1

    async def test_one_that_left_meanwhile(
        self, postgres_database: PostgresEndpoint, proxy: ChaosProxy
    ) -> None:
        """His channel's next reader has missed nothing."""
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, deadline=5) as storage, storage.listen("always"):
            async with storage.listen("jobs"):
                proxy.refuse()
                proxy.cut()
                await until(lambda: storage._engine.listener._lost)

            proxy.heal()

            async with storage.listen("jobs") as reader:
                notify(postgres_database, "one")
                assert (await anext(reader)).payload == "one"

    async def test_a_silent_server_is_noticed(
        self,
        postgres_database: PostgresEndpoint,
        proxy: ChaosProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It is asked now and then, also while nothing is to be heard."""
        monkeypatch.setattr("infrastructure.storage.postgres._listen._QUIET", 0.05)
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, deadline=5) as storage, storage.listen("jobs") as reader:
            listener: Any = storage._engine.listener
            await until(lambda: postgres_database.ask(ASKED))
            assert "jobs" in listener._heard
            # A question that is on its way has the usual time.
            await until(lambda: not listener._connection.unanswered)

            with monkeypatch.context() as impatient:
                impatient.setattr("infrastructure.storage.postgres._listen._STEP", 0.2)
                proxy.black_hole()
                await until(lambda: not listener._heard)

            proxy.heal()
            assert (await anext(reader)).missed


class TestEnd:
    async def test_a_disconnect_ends_it(
        self, postgres_database: PostgresEndpoint, storage: PostgresStorage
    ) -> None:
        """After what came before; nothing stays connected; it works again after a connect."""
        async with storage.listen("jobs") as reader:
            for payload in ("one", "two"):
                notify(postgres_database, payload)

            assert (await anext(reader)).payload == "one"
            await until(lambda: reader._waiting)
            await storage.disconnect()
            await until(lambda: not listening(postgres_database))
            assert (await anext(reader)).payload == "two"

            for _ in range(2):
                with pytest.raises(ConnectionError, match="was closed by disconnect"):
                    await anext(reader)

            await storage.connect()
            waiting = asyncio.ensure_future(anext(reader))
            await until(lambda: "jobs" in storage._engine.listener._heard)
            notify(postgres_database, "three")
            assert (await waiting).payload == "three"
            await storage.disconnect()

            with pytest.raises(ConnectionError):
                await anext(reader)

    async def test_a_disconnect_while_it_begins(self, storage: PostgresStorage) -> None:
        """It is told."""
        begins = asyncio.ensure_future(anext(storage.listen("jobs")))
        await asyncio.sleep(0)
        await storage.disconnect()

        with pytest.raises(ConnectionError):
            await begins

    async def test_who_waits_is_told(self, storage: PostgresStorage) -> None:
        """All of them."""
        async with storage.listen("jobs") as reader:
            waiting = [asyncio.ensure_future(anext(reader)) for _ in range(2)]
            await until(lambda: reader._wake)
            await storage.disconnect()
            found = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(each) for each in found] == [ConnectionError] * 2


async def test_behind_a_pooler(pgbouncer: PgBouncer) -> None:
    """It needs an address of its own."""
    with pgbouncer.database() as database:
        async with PostgresStorage(database.url) as storage:
            with pytest.raises(ConfigurationError, match="listen_url="):
                await anext(storage.listen("jobs"))


async def test_an_address_of_its_own(
    pgbouncer: PgBouncer, postgres_database: PostgresEndpoint
) -> None:
    """It listens there."""
    with pgbouncer.database() as database:
        storage = PostgresStorage(database.url, listen_url=postgres_database.url)

        async with storage, storage.listen("jobs") as reader:
            notify(postgres_database, "one")
            assert (await anext(reader)).payload == "one"


@pytest.mark.parametrize("channel", ["", "x" * 64, "a\0b"])
async def test_what_is_no_channel(storage: PostgresStorage, channel: str) -> None:
    """Is refused at the call."""
    with pytest.raises(ValidationError):
        storage.listen(channel)
