"""What becomes of an error, and of Ctrl-C: a line, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional

import typer
from rich.console import Console
from rich.markup import escape

from ..interfaces import InfrastructureError

__all__ = ["exits"]


@contextmanager
def exits(interrupted: str) -> Iterator[None]:
    """Turn an error of ours into a line and exit code 2, Ctrl-C into a line and 130."""
    try:
        yield
    except (InfrastructureError, ExceptionGroup) as exc:
        if (error := _ours(exc)) is None:
            raise

        text = f"[bold red]{type(error).__name__}[/]: {escape(str(error))}"
        Console(stderr=True, soft_wrap=True, emoji=False).print(text, highlight=False)
        raise typer.Exit(2) from exc
    except KeyboardInterrupt:
        Console(stderr=True).print(interrupted)
        raise typer.Exit(130) from None


def _ours(exc: Exception) -> Optional[InfrastructureError]:
    """Return ``exc`` where it is an error of ours; of a group of nothing else, the first."""
    if isinstance(exc, ExceptionGroup):
        found = [_ours(each) for each in exc.exceptions]
        return found[0] if all(found) else None

    return exc if isinstance(exc, InfrastructureError) else None
