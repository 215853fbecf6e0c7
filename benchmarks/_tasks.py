"""Shares operations among tasks that run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

__all__ = ["shared_among"]

Item = TypeVar("Item")


async def shared_among(
    tasks: int, items: Sequence[Item], call: Callable[[Item], Awaitable[object]]
) -> None:
    """Await ``call`` with each item, in so many tasks; one is the caller's own."""

    async def one(part: Sequence[Item]) -> None:
        for item in part:
            await call(item)

    if tasks == 1:
        await one(items)
    else:
        await asyncio.gather(*(one(items[number::tasks]) for number in range(tasks)))
