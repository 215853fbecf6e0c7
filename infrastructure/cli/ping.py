"""``infrastructure ping``: whether a backend answers, how fast, and what waits there."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Optional

import typer
from rich.console import Console
from rich.markup import escape

from .._core.urls import parse_url
from ..interfaces import CachingInterface, StorageInterface
from ..messaging.lag import LagReporter
from ..opening import openers_of
from .exits import exits

__all__ = ["ping"]

_TIMES = 5


def ping(
    url: Annotated[
        str, typer.Argument(help="URL of a backend; kafka://host:9092?group_id=orders.")
    ],
) -> None:
    """See whether a backend answers, and how fast; of a group, how many messages wait for it.

    Exits with 2 where it cannot be reached.
    """
    with exits("interrupted"):
        asyncio.run(_ping(Console(soft_wrap=True, emoji=False), url))


async def _ping(console: Console, url: str) -> None:
    for opener in openers_of(url):
        backend = opener(url)
        began = time.perf_counter()

        async with backend:
            connected = f"connected in {(time.perf_counter() - began) * 1000:.1f} ms"
            took = [seconds async for seconds in _round_trips(backend)]
            answers = f", answers in {statistics.median(took) * 1000:.2f} ms" if took else ""
            told = f"{backend!r}: {connected}{answers}"
            console.print(told, markup=False, highlight=False)

            if isinstance(backend, LagReporter):
                await _show_lag(console, backend, parse_url(url).options.get("group_id"))


async def _round_trips(backend: Any) -> AsyncGenerator[float, None]:
    """Give the seconds of some answers; none of a messaging, which is asked nothing."""
    for _ in range(_TIMES):
        began = time.perf_counter()

        if isinstance(backend, CachingInterface):
            await backend.exists("infrastructure:ping")
        elif isinstance(backend, StorageInterface):
            await backend.execute("SELECT 1 AS answer")
        else:
            return

        yield time.perf_counter() - began


async def _show_lag(console: Console, backend: LagReporter, group: Optional[str]) -> None:
    lag = await backend.lag()

    for topic, waiting in sorted(lag.items()):
        told = "1 message waits" if waiting == 1 else f"{waiting:,} messages wait"
        console.print(f"  {topic}: {told}", highlight=False)

    if group is not None and not lag:
        told = "is there such a group, and has it handled a message?"
        console.print(f"  {escape(group)} has committed nothing: {told}", highlight=False)
