"""What docs/how-to/use-in-a-service.md shows works as it stands there."""

from __future__ import annotations

import asyncio
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import infrastructure
from infrastructure import (
    ConflictError,
    ConnectionError,
    OperationError,
    TimeoutError,
    TransactionError,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing.clock import settle

from ..servers.postgres_endpoint import PostgresEndpoint
from .test_how_to import ROOT, blocks

PAGE = (ROOT / "docs" / "how-to" / "use-in-a-service.md").read_text("utf-8")


def module(name: str, folder: Path) -> ModuleType:
    """Return the file of that name, as the page has it, as a module."""
    [block] = [each for each in blocks("python", PAGE) if each.startswith(f"# {name}.py")]
    file = folder / f"{name}.py"
    file.write_text(block, "utf-8")
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def service(tmp_path: Path) -> ModuleType:
    """Return the service of the page."""
    return module("service", tmp_path)


@pytest.fixture
def retry(tmp_path: Path) -> ModuleType:
    """Return what tries a transaction again."""
    return module("retry", tmp_path)


async def publish_and_count(service: ModuleType) -> None:
    app = SimpleNamespace(state=SimpleNamespace())

    async with service.lifespan(app):
        await app.state.messaging.publish("orders", {"item": "tea"})
        # What no handler has begun is not waited for.
        await settle()

    again = SimpleNamespace(state=SimpleNamespace())

    async with service.lifespan(again):
        assert await service.items(again) == 1


async def test_an_order_that_was_published_is_stored_and_counted(
    service: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messaging is closed first: its handler still has a storage."""
    monkeypatch.chdir(tmp_path)
    await publish_and_count(service)


async def test_postgresql_is_another_url(
    service: ModuleType, postgres_database: PostgresEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is the same."""
    monkeypatch.setenv("STORAGE_URL", postgres_database.url)
    await publish_and_count(service)


async def test_a_deadlock_is_tried_again(
    retry: ModuleType, postgres_database: PostgresEndpoint
) -> None:
    """One of two that wait for each other is undone, and runs once more."""
    add = "UPDATE counts SET n = n + 1 WHERE id = $1"
    meeting, calls = asyncio.Barrier(2), 0

    async with PostgresStorage(postgres_database.url) as storage:
        await storage.create_table("counts", {"id": "INTEGER PRIMARY KEY", "n": int})
        await storage.execute("INSERT INTO counts (id, n) VALUES (1, 0), (2, 0)")

        async def work(first: int, second: int) -> None:
            nonlocal calls
            calls += 1
            await storage.execute(add, [first])

            if calls <= 2:
                await meeting.wait()

            await storage.execute(add, [second])

        await asyncio.gather(
            retry.in_transaction(storage, lambda: work(1, 2)),
            retry.in_transaction(storage, lambda: work(2, 1)),
        )
        assert calls == 3
        assert await storage.execute("SELECT n FROM counts") == [{"n": 2}, {"n": 2}]


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (ConflictError("again", retryable=True), 3),
        (ConnectionError("the answer of COMMIT was lost", outcome="unknown"), 1),
        (OperationError("refused"), 1),
    ],
)
async def test_what_may_have_been_applied_is_not_tried_again(
    retry: ModuleType, error: Exception, calls: int
) -> None:
    """Nor what will not pass; what may is tried three times."""
    made = []

    async def work() -> None:
        made.append(1)
        raise error

    async with infrastructure.open_storage("sqlite://") as storage:
        with pytest.raises(type(error)):
            await retry.in_transaction(storage, work)

    assert len(made) == calls


async def test_a_commit_that_waits_for_its_turn_leaves_its_transaction_open(
    postgres_database: PostgresEndpoint,
) -> None:
    """As the page says: it may be committed again."""
    async with PostgresStorage(postgres_database.url) as storage:
        await storage.create_table("orders", {"id": int})
        await storage.begin_transaction()
        await storage.execute("INSERT INTO orders VALUES (1)")

        with postgres_database.control() as control:
            control.execute("SELECT pg_advisory_lock(1)")
            other = asyncio.create_task(storage.execute("SELECT pg_advisory_xact_lock(1)"))
            await settle()

            with infrastructure.deadline(0.05), pytest.raises(TimeoutError) as caught:
                await storage.commit()

            assert caught.value.outcome == "not_applied"
            committing = asyncio.create_task(storage.commit())
            await settle()
            committing.cancel()
            await asyncio.wait({committing})
            assert not other.done()

        await other
        await storage.commit()
        assert await storage.execute("SELECT id FROM orders") == [{"id": 1}]


async def test_after_a_commit_that_was_on_its_way_there_is_nothing_to_roll_back(
    postgres_database: PostgresEndpoint,
) -> None:
    """As the page says; a block passes the cancellation on."""
    async with PostgresStorage(postgres_database.url) as storage:
        await storage.begin_transaction()
        committing = asyncio.create_task(storage.commit())
        await asyncio.sleep(0)
        committing.cancel()
        await asyncio.wait({committing})
        assert committing.cancelled()

        with pytest.raises(TransactionError, match="no transaction is open"):
            await storage.rollback()

        block = storage.transaction()
        await block.__aenter__()
        leaving = asyncio.create_task(block.__aexit__(None, None, None))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert leaving.cancelled()
        assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConnectionError("gone", retryable=True), 503),
        (TimeoutError("late"), 504),
        (OperationError("refused"), 500),
    ],
)
def test_an_error_has_a_status(service: ModuleType, error: Exception, status: int) -> None:
    """What may pass is told from what will not."""
    assert service.status_of(error) == status
