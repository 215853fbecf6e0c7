"""What the demo shows in the end: counts, figures, a table, a plot."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .pipeline import Pipeline

__all__ = ["report"]

_BARS = " ▁▂▃▄▅▆▇█"
_HEIGHT = 8
_COLOURS = ("cyan", "magenta", "yellow", "green")


async def report(console: Console, pipeline: Pipeline, seconds: float) -> bool:
    """Print the report; return whether every observation is accounted for."""
    means = await pipeline.monthly_means()
    _print_table(console, means)
    _print_plot(console, means)
    await _print_newest(console, pipeline)
    _print_figures(console, pipeline, seconds)
    return await _print_counts(console, pipeline)


def _print_table(console: Console, means: Sequence[dict[str, Any]]) -> None:
    airports = sorted({row["origin"] for row in means})
    table = Table(title="Monthly means: °F, miles an hour")
    table.add_column("month")

    for airport in airports:
        table.add_column(escape(airport), justify="right")

    for month in sorted({row["month"] for row in means}):
        by_airport = {row["origin"]: row for row in means if row["month"] == month}
        cells = [_cell(by_airport.get(airport)) for airport in airports]
        table.add_row(f"{month:%Y-%m}", *cells)

    console.print(table)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or row["temp"] is None or row["wind_speed"] is None:
        return "-"

    return f"{row['temp']:.1f}  {row['wind_speed']:4.1f}"


def _print_plot(console: Console, means: Sequence[dict[str, Any]]) -> None:
    """Plot the mean temperature of each month, the airports side by side."""
    means = [row for row in means if row["temp"] is not None]

    # A bar stands on zero.
    if not any(row["temp"] > 0 for row in means):
        return

    months = sorted({row["month"] for row in means})
    airports = sorted({row["origin"] for row in means})
    temperature = {(row["month"], row["origin"]): row["temp"] for row in means}
    highest = max(temperature.values())
    console.print("\nMean temperature by month (°F), each airport a bar:")

    for line in range(_HEIGHT, 0, -1):
        cells = [
            "".join(
                f"[{_COLOURS[n % len(_COLOURS)]}]{_bar(temperature.get((month, airport), 0), highest, line)}[/]"
                for n, airport in enumerate(airports)
            )
            for month in months
        ]
        console.print(f"{highest * line / _HEIGHT:6.1f} │ {' '.join(cells)}", highlight=False)

    width = len(airports)
    console.print("       └─" + "─".join("─" * width for _ in months))
    console.print("         " + " ".join(f"{month:%b}"[:width].ljust(width) for month in months))
    console.print(
        "         "
        + "  ".join(
            f"[{_COLOURS[n % len(_COLOURS)]}]█[/] {escape(name)}" for n, name in enumerate(airports)
        )
    )


def _bar(value: float, highest: float, line: int) -> str:
    filled = value / highest * _HEIGHT - (line - 1)
    return _BARS[max(0, min(8, round(filled * 8)))]


async def _print_newest(console: Console, pipeline: Pipeline) -> None:
    console.print("\nNewest in the cache:")

    for observation in await pipeline.newest():
        temp = observation["temp"]
        console.print(
            f"  {observation['origin']}  {observation['time_hour']:%Y-%m-%d %H:%M} UTC  "
            f"{'no reading' if temp is None else f'{temp:g} °F'}",
            markup=False,
            highlight=False,
        )


def _print_figures(console: Console, pipeline: Pipeline, seconds: float) -> None:
    waits = sorted(pipeline.stored.values())
    console.print(f"\n{len(waits) / seconds:,.0f} rows a second, publish to stored ", end="")

    if len(waits) > 1:
        p50 = statistics.median(waits)
        p99 = waits[int(len(waits) * 0.99)]
        console.print(f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms", end="")

    console.print(f", in {seconds:.2f} s")


async def _print_counts(console: Console, pipeline: Pipeline) -> bool:
    stored, dead = await pipeline.count_stored(), len(pipeline.dead)
    complete = pipeline.published == stored + dead

    for reason in pipeline.dead.values():
        console.print(f"dead letter: {reason}", markup=False, highlight=False)

    verdict = "[green]nothing lost[/]" if complete else "[bold red]the counts do not match[/]"
    console.print(
        f"published {pipeline.published:,} = stored {stored:,} + dead-lettered {dead:,}: {verdict}"
        if complete
        else f"published {pipeline.published:,}, stored {stored:,}, dead-lettered {dead:,}: {verdict}"
    )
    return complete
