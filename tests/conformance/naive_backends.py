"""What people write in half an hour: a dict as a cache, a bare queue, a storage that autocommits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from infrastructure.conformance import CachingHarness, MessagingHarness, StorageHarness
from infrastructure.interfaces import CachingInterface, MessagingInterface, StorageInterface

__all__ = ["AutocommitHarness", "DictHarness", "QueueHarness"]


class DictCache(CachingInterface):
    """A dict."""

    def __init__(self) -> None:
        self._data: dict[str, Any] = {}

    async def connect(self) -> None:
        pass

    async def disconnect(self) -> None:
        self._data.clear()

    async def get(self, key: str) -> Any:
        return self._data.get(key)

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        self._data[key] = value

        if ttl:
            asyncio.get_running_loop().call_later(ttl, self._data.pop, key, None)

    async def delete(self, key: str) -> bool:
        return self._data.pop(key, None) is not None

    async def exists(self, key: str) -> bool:
        return self._data.get(key) is not None

    async def ttl(self, key: str) -> int | None:
        return None

    async def scan_keys(self, pattern: str) -> list[str]:
        return [key for key in self._data if key.startswith(pattern.rstrip("*"))]


class QueueMessaging(MessagingInterface):
    """A queue for each topic, and a task that takes from it."""

    def __init__(self) -> None:
        self._queues: dict[str, asyncio.Queue[Any]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def connect(self) -> None:
        pass

    async def disconnect(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _queue(self, topic: str) -> asyncio.Queue[Any]:
        return self._queues.setdefault(topic, asyncio.Queue())

    async def publish(self, topic: str, message: Any) -> None:
        await self._queue(topic).put(message)

    async def subscribe(self, topic: str, handler: Callable[[Any], Awaitable[None]]) -> None:
        async def work() -> None:
            while True:
                message = await self._queue(topic).get()

                try:
                    await handler(message)
                except Exception as exc:  # noqa: BLE001 - as people write it
                    print(f"handler failed: {exc}")

        self._tasks[topic] = asyncio.ensure_future(work())

    async def unsubscribe(self, topic: str) -> None:
        self._tasks.pop(topic).cancel()


class AutocommitStorage(StorageInterface):
    """A sqlite3 connection that commits by itself, whatever begin and rollback say."""

    def __init__(self) -> None:
        self._con = sqlite3.connect(":memory:", isolation_level=None)
        self._con.row_factory = sqlite3.Row

    async def connect(self) -> None:
        pass

    async def disconnect(self) -> None:
        self._con.close()

    async def is_connected(self) -> bool:
        self._con.execute("SELECT 1")
        return True

    async def execute(self, query: str, params: list[Any] | None = None) -> list[Any]:
        return [dict(row) for row in self._con.execute(query, params or ())]

    async def execute_many(self, query: str, params_list: list[list[Any]]) -> None:
        for params in params_list:
            await self.execute(query, params)

    async def begin_transaction(self) -> None:
        pass

    async def commit(self) -> None:
        self._con.commit()

    async def rollback(self) -> None:
        self._con.rollback()

    async def create_table(self, table_name: str, schema: dict[str, Any]) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in schema.items())
        self._con.execute(f"CREATE TABLE IF NOT EXISTS {table_name} ({columns})")

    async def create_hypertable(self, table_name: str, time_column: str) -> None:
        pass


class DictHarness(CachingHarness):
    """Claims the core."""

    level = "core"

    def make(self, **options: Any) -> DictCache:
        return DictCache()


class QueueHarness(MessagingHarness):
    """Claims the core."""

    level = "core"

    def make(self, **options: Any) -> QueueMessaging:
        return QueueMessaging()


class AutocommitHarness(StorageHarness):
    """Claims the core."""

    level = "core"

    def make(self, **options: Any) -> AutocommitStorage:
        return AutocommitStorage()
