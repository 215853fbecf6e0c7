"""A part of the table: whom it puts to the test, on what, and by which faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

__all__ = ["Part"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """``stage(clients[name])`` gives what each of ``measures`` takes; their docstrings are the rows.

    ``about``     what a reader must know of all of them.
    ``packages``  whose versions are told.
    """

    title: str
    about: str
    packages: Sequence[str]
    clients: Mapping[str, Any]
    stage: Callable[[Any], AbstractAsyncContextManager[Any]]
    measures: Mapping[str, Callable[[Any], Awaitable[str]]]

    async def seen(self, measure: str, client: str) -> str:
        """Return what was seen, or that the measurement itself was lost."""
        try:
            async with self.stage(self.clients[client]) as stage:
                return await self.measures[measure](stage)
        except Exception as exc:  # noqa: BLE001 - the client's own errors are what is looked for
            return f"{type(exc).__name__}: {exc}"
