"""Runs calls that may fail, and tells how they ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from infrastructure import InfrastructureError

from ._timing import SLACK, within

__all__ = ["all_ended", "ended"]


async def ended(call: Callable[[], Awaitable[Any]], deadline: float) -> Any:
    """Return the result or our error of a call, which must come in time; any other error is one."""
    with within(deadline + SLACK):
        try:
            return await call()
        except InfrastructureError as exc:
            return exc


async def all_ended(calls: Iterable[Callable[[], Awaitable[Any]]], deadline: float) -> list[Any]:
    """Return how all of them ended, which run at once."""
    return await asyncio.gather(*(ended(call, deadline) for call in calls))
