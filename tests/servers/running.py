"""What all servers have in common: the block that they run in, and what is done to their process."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from infrastructure.testing import ServerProcess

__all__ = ["OneProcess", "Running", "at_once", "living"]


class Running(ABC):
    """One or more servers that an ``async with`` block starts, and closes however it ends."""

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise

        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @abstractmethod
    async def start(self) -> None:
        """Start what is there, and return when it is ready."""

    @abstractmethod
    async def close(self) -> None:
        """End it and remove its folders."""


class OneProcess(Running):
    """A server that listens at ``host`` and ``port``, in one ``process`` of its own."""

    host: str
    port: int
    process: ServerProcess

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self.host}:{self.port}: {self.process!r}>"

    @property
    def is_running(self) -> bool:
        """Whether it is there, frozen or not."""
        return self.process.is_running

    @property
    def is_frozen(self) -> bool:
        """Whether ``freeze`` holds it."""
        return self.process.is_frozen

    async def start(self) -> None:
        """Start it."""
        await self.process.start()

    async def stop(self) -> None:
        """Stop it, whoever is connected; ``start`` works again."""
        await self.process.stop()

    async def restart(self) -> None:
        """Stop it and start it again, on the same ports."""
        await self.stop()
        await self.start()

    def kill(self) -> None:
        """End all its processes as ``kill -9`` does."""
        self.process.kill()

    def freeze(self) -> None:
        """Stop all its processes: their sockets stay open, and nobody answers."""
        self.process.freeze()

    def thaw(self) -> None:
        """Let them go on."""
        self.process.thaw()


S = TypeVar("S", bound=OneProcess)


def living(servers: Iterable[S]) -> list[S]:
    """Return those of which an answer may be hoped for."""
    return [server for server in servers if server.is_running and not server.is_frozen]


async def at_once(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Start or close several servers at the same time."""
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(work)
