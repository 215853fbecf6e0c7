"""``infrastructure ping``: whether a backend answers, how fast, and what waits there."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import typer
from rich.console import Console

from ..interfaces import CachingInterface, StorageInterface
from ..messaging.lag import LagReporter
from ..opening import open_storage, openers_of
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
        asyncio.run(_ping(Console(soft_wrap=True), url))


async def _ping(console: Console, url: str) -> None:
    openers = openers_of(url)

    if not openers:
        # It says what schemes there are.
        open_storage(url)

    for opener in openers:
        backend = opener(url)
        began = time.perf_counter()

        async with backend:
            connected = f"connected in {(time.perf_counter() - began) * 1000:.1f} ms"
            took = [seconds async for seconds in _round_trips(backend)]
            answers = f", answers in {statistics.median(took) * 1000:.2f} ms" if took else ""
            console.print(f"{backend!r}: {connected}{answers}", highlight=False)

            if isinstance(backend, LagReporter):
                await _show_lag(console, backend)


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


async def _show_lag(console: Console, backend: LagReporter) -> None:
    for topic, waiting in sorted((await backend.lag()).items()):
        console.print(f"  {topic}: {waiting:,} messages wait", highlight=False)
