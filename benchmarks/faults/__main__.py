"""Put every client through every fault, and write the table: python -m benchmarks.faults [part of a name]."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from . import _network as network, _tasks as tasks
from ._clients import CLIENTS, Make
from ._page import page
from ._stage import Stage, on_stage

_FILE = Path(__file__).resolve().parents[2] / "docs/reference/faults.md"
_LONGEST = 180.0

Measure = Callable[[Stage], Awaitable[str]]

MEASURES: Mapping[str, Measure] = {
    each.__name__: each
    for each in (
        tasks.cancelled_loops,
        tasks.foreign_answers,
        tasks.timed_out_gets,
        tasks.crowd,
        network.black_hole,
        network.frozen_write,
        network.lost_answer,
        network.idle_reset,
        network.restart,
        network.truncated,
    )
}


async def seen(measure: Measure, make: Make) -> str:
    """Return what was seen, or that the measurement itself was lost."""
    try:
        async with asyncio.timeout(_LONGEST), on_stage(make) as stage:
            return await measure(stage)
    except Exception as exc:  # noqa: BLE001 - the client's own errors are what is looked for
        return f"{type(exc).__name__}: {exc}"


async def table(only: str) -> dict[str, dict[str, str]]:
    """Return what was seen, by fault and client."""
    rows: dict[str, dict[str, str]] = {}

    for name, measure in MEASURES.items():
        if only not in name:
            continue

        told = str(measure.__doc__).strip().rstrip(".")
        rows[told] = {}

        for client, make in CLIENTS.items():
            rows[told][client] = await seen(measure, make)
            print(f"{name}, {client}: {rows[told][client]}", flush=True)

    return rows


def main() -> int:
    """Measure; the page is written when everything was asked."""
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    rows = asyncio.run(table(only))

    if not only:
        _FILE.write_text(page(rows, list(CLIENTS)))

    return 0


if __name__ == "__main__":
    sys.exit(main())
