"""``infrastructure demo``: opens the backends, runs the pipeline, shows its progress."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Optional

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..._core.urls import parse_url
from ...opening import open_cache, open_messaging, open_storage
from .observations import data_file, read_observations
from .pipeline import Pipeline
from .report import report

__all__ = ["run_demo"]

_REFRESH = 0.1
"""Seconds between two looks of the progress bars."""


async def run_demo(
    console: Console, *, cache: str, messaging: str, storage: str, data: Optional[Path] = None
) -> bool:
    """Run the demo; return whether every observation is accounted for."""
    lines = list(read_observations(data_file(data)))

    async with (
        open_cache(cache) as cache_backend,
        open_storage(storage, **_storage_options(storage)) as storage_backend,
        open_messaging(messaging, **_messaging_options(messaging)) as messaging_backend,
    ):
        console.print(
            f"{len(lines):,} observations through {messaging_backend!r}, {storage_backend!r} "
            f"and {cache_backend!r}",
            markup=False,
            highlight=False,
        )
        console.print(
            "What is no weather goes to the dead letters, which the log tells as an error."
        )
        pipeline = Pipeline(cache_backend, messaging_backend, storage_backend)
        await pipeline.prepare()
        began = time.perf_counter()

        async with _progress(console, pipeline, len(lines)):
            await pipeline.publish(lines)

        return await report(console, pipeline, time.perf_counter() - began)


def _storage_options(url: str) -> dict[str, str]:
    """Return what a PostgreSQL is opened with: the demo is content where it has no TimescaleDB."""
    parts = parse_url(url)
    plain = parts.scheme.startswith("postgres") and "hypertables" not in parts.options
    return {"hypertables": "index"} if plain else {}


def _messaging_options(url: str) -> dict[str, Any]:
    """Return what a Kafka is opened with: a group of the demo's, which makes its topics."""
    parts = parse_url(url)
    usual = {"group_id": "infrastructure-demo", "create_topics": True}
    plain = parts.scheme.startswith("kafka")
    return {name: usual[name] for name in usual if plain and name not in parts.options}


@asynccontextmanager
async def _progress(console: Console, pipeline: Pipeline, total: int) -> AsyncIterator[None]:
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )

    with Progress(*columns, console=console) as progress:
        published = progress.add_task("published", total=total)
        stored = progress.add_task("stored", total=total)

        def show() -> None:
            progress.update(published, completed=pipeline.published)
            progress.update(stored, completed=len(pipeline.stored) + len(pipeline.dead))

        async def watch() -> None:
            while True:
                show()
                await asyncio.sleep(_REFRESH)

        watcher = asyncio.create_task(watch())

        try:
            yield
        finally:
            watcher.cancel()
            show()
