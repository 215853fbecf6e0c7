"""What a backend with the abstract methods only inherits, and what it cannot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from infrastructure.interfaces import (
    ConfigurationError,
    ConnectionError,
    OperationError,
    ValidationError,
    current_message,
    current_messages,
)
from infrastructure.interfaces._context import message_infos

from .toy_messaging import Bus, MinimalMessaging
from .toy_storages import MinimalStorage


async def test_publish_many_tells_where_it_stopped() -> None:
    """The error's row_index is the position of the message; those before it were published."""
    bus = Bus()

    async with MinimalMessaging(bus) as messaging:
        received: list[Any] = []
        complete = asyncio.Event()

        async def handler(payload: Any) -> None:
            received.append(payload)

            if len(received) == 2:
                complete.set()

        await messaging.subscribe("topic", handler)

        with pytest.raises(ValidationError) as caught:
            await messaging.publish_many("topic", [1, 2, object(), 4])

        assert caught.value.row_index == 2

        async with asyncio.timeout(5):
            await complete.wait()

    assert received == [1, 2]

    with pytest.raises(ConnectionError) as late:
        await messaging.publish_many("topic", [1])

    assert late.value.row_index == 0


async def test_inherited_batches_are_lists_of_one() -> None:
    """Each message comes in a list of its own; the same handler twice is once."""
    bus = Bus()

    async with MinimalMessaging(bus) as messaging:
        lists: list[list[Any]] = []
        complete = asyncio.Event()

        async def handler(batch: list[Any]) -> None:
            lists.append(batch)
            assert len(current_messages()) == 1

            if len(lists) == 2:
                complete.set()

        await messaging.subscribe_batch("topic", handler)
        await messaging.subscribe_batch("topic", handler)
        await messaging.publish_many("topic", ["a", "b"])

        async with asyncio.timeout(5):
            await complete.wait()

    assert lists == [["a"], ["b"]]


async def test_current_message_is_one_message() -> None:
    """In a batch of several it names the function to use; no handler: an error that says so."""
    with pytest.raises(OperationError, match="no handler is running here"):
        current_message()

    token = message_infos.set(lambda: ("first", "second"))

    try:
        with pytest.raises(OperationError, match=r"batch of 2 messages: use current_messages\(\)"):
            current_message()
    finally:
        message_infos.reset(token)


async def test_the_inherited_transaction_commits_or_rolls_back(tmp_path: Path) -> None:
    """A block that ends commits; one that raises rolls back and raises the same."""
    async with MinimalStorage(tmp_path / "a.db") as storage:
        await storage.create_table("t", {"n": "BIGINT"})

        async with storage.transaction():
            await storage.execute("INSERT INTO t (n) VALUES ($1)", [1])

        with pytest.raises(LookupError, match="mine"):
            async with storage.transaction():
                await storage.execute("INSERT INTO t (n) VALUES ($1)", [2])
                raise LookupError("mine")

        assert await storage.execute("SELECT n FROM t") == [{"n": 1}]


async def test_what_the_abstract_methods_cannot_give_is_refused(tmp_path: Path) -> None:
    """detached() and stream() say what to do instead, before anything is done."""
    async with MinimalStorage(tmp_path / "a.db") as storage:
        with pytest.raises(ConfigurationError, match="MinimalStorage has no detached"):
            storage.detached()

        with pytest.raises(ConfigurationError, match=r"has no stream\(\).*use execute\(\)"):
            storage.stream("SELECT 1")
