"""The commands, their options and what becomes of an error."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from ..interfaces import InfrastructureError
from .logs import show_logs
from .weather.demo import run_demo

__all__ = ["app", "demo"]

app: typer.Typer = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def _root() -> None:
    """One contract for cache, messaging and storage."""


@app.command()
def demo(
    cache: Annotated[str, typer.Option(help="URL of the cache.")] = "memory://",
    messaging: Annotated[str, typer.Option(help="URL of the messaging.")] = "memory://",
    storage: Annotated[
        str, typer.Option(help="URL of the storage; sqlite:////path/to/file.db keeps the rows.")
    ] = "sqlite://",
    data: Annotated[
        Optional[Path], typer.Option(help="Another CSV file of the same columns, .gz or plain.")
    ] = None,
) -> None:
    """Send a year of weather at three airports through messaging, storage and cache.

    Exits with 1 when a count does not match, with 2 when a backend cannot be used.
    """
    console = Console()
    show_logs(console)

    try:
        complete = asyncio.run(
            run_demo(console, cache=cache, messaging=messaging, storage=storage, data=data)
        )
    except InfrastructureError as exc:
        Console(stderr=True).print(f"[bold red]{type(exc).__name__}[/]: {exc}", highlight=False)
        raise typer.Exit(2) from exc
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; what was stored is stored, run it again")
        raise typer.Exit(130) from None

    raise typer.Exit(0 if complete else 1)
