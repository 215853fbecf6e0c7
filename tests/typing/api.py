"""What users write, for mypy and pyright: checked, never run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_type

from infrastructure import deadline, escape_pattern, open_cache, open_messaging, open_storage
from infrastructure.caching.memory import MemoryCache
from infrastructure.interfaces import (
    CachingInterface,
    Column,
    InfrastructureError,
    Message,
    MessageInfo,
    MessagingInterface,
    StorageInterface,
    current_message,
    exceptions as errors,
)
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.storage.sqlite import SQLiteStorage


async def caching(cache: CachingInterface) -> None:
    """Every method of the cache, with the types that users see."""
    async with cache as opened:
        assert_type(opened, CachingInterface)

    await cache.set("station:EWR", {"temperature": 3.5}, ttl=60)
    assert_type(await cache.get("station:EWR"), Any | None)
    assert_type(await cache.exists("station:EWR"), bool)
    assert_type(await cache.ttl("station:EWR"), int | None)
    assert_type(await cache.scan_keys(escape_pattern("station:") + "*"), list[str])
    assert_type(await cache.delete("station:EWR"), bool)

    await cache.set_many({"a": 1, "b": None}, ttl=5)
    assert_type(await cache.get_many(["a", "b"]), dict[str, Any])
    assert_type(await cache.delete_many(key for key in ("a", "b")), int)

    async def compute() -> float:
        return 3.5

    await cache.get_or_set("mean", compute, ttl=60)


async def messaging(broker: MessagingInterface) -> None:
    """Publishing payloads and messages, handling one and many."""

    async def on_reading(payload: Any) -> None:
        message = current_message()
        assert_type(message, MessageInfo)
        assert_type(message.timestamp, datetime | None)
        assert_type(message.attempt, int)

    async def on_readings(payloads: list[Any]) -> None:
        assert payloads

    await broker.subscribe("readings", on_reading)
    await broker.subscribe_batch("readings", on_readings, max_messages=100, max_wait=0.2)
    await broker.publish("readings", {"station": "EWR"})
    await broker.publish("readings", Message(3.5, key="EWR", headers={"unit": "C"}))
    await broker.publish_many("readings", [Message(n, key="EWR") for n in range(3)])
    await broker.unsubscribe("readings")


async def storage(database: StorageInterface) -> None:
    """Statements, transactions, tables and streams."""
    await database.create_table(
        "readings",
        {"time": datetime, "station": "TEXT NOT NULL", "id": Column(int, primary_key=True)},
    )
    await database.create_hypertable("readings", "time")
    assert_type(await database.is_connected(), bool)

    rows = await database.execute("SELECT * FROM readings WHERE station = $1", ["EWR"])
    assert_type(rows, list[Any])

    async with database.transaction():
        await database.execute_many("INSERT INTO readings VALUES ($1)", [[datetime.now(UTC)]])

        async with database.detached():
            await database.execute("SELECT 1")

    async for row in database.stream("SELECT * FROM readings", batch_size=500):
        assert_type(row, dict[str, Any])

    await database.begin_transaction()
    await database.rollback()


async def opening() -> None:
    """By URL one gets the interface, by class the class."""
    async with open_cache("memory://") as cache, open_messaging("memory://") as broker:
        await caching(cache)
        await messaging(broker)

    async with open_storage("sqlite://") as database:
        with deadline(2.5):
            await storage(database)

        with deadline(None):
            await database.execute("SELECT 1")

    async with MemoryCache(max_entries=1000) as own:
        assert_type(own, MemoryCache)

    async with MemoryMessaging(group_id="alerts") as own_broker:
        assert_type(own_broker, MemoryMessaging)

    async with SQLiteStorage("sqlite://") as own_database:
        assert_type(own_database, SQLiteStorage)


async def failing(cache: CachingInterface) -> str:
    """Errors by their own names, and by the builtin ones."""
    try:
        await cache.get("a")
    except errors.TimeoutError as exc:
        assert_type(exc.outcome, errors.Outcome | None)
        return exc.message
    except errors.ConnectionError as exc:
        assert_type(exc.retryable, bool)
        return f"{exc.backend}.{exc.operation}"
    except InfrastructureError as exc:
        assert_type(exc.failed_keys, tuple[Any, ...])
        return f"{exc.sqlstate} {exc.row_index}"

    os_error: OSError = errors.ConnectionError("refused", retryable=True, outcome="not_applied")

    return str(os_error)
