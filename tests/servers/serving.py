"""A server of a test's own, all of whose connections end with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from .ports import HOST

__all__ = ["serving"]

_TURNS = 10
"""Turns of the loop in which a connection that was just taken comes to its handler."""

_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def serving(handle: _Handler) -> AsyncIterator[tuple[str, int]]:
    """Give the address of a server that calls ``handle`` for each connection.

    asyncio's own leaves those open that are taken last, to be found by a later test.
    """
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(handle(reader, writer))
        tasks.add(task)
        # Also of one that is cancelled before it begins.
        task.add_done_callback(lambda _: writer.close())
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, HOST, 0)

    try:
        host, port = server.sockets[0].getsockname()
        yield host, port
    finally:
        server.close()

        for _ in range(_TURNS):
            await asyncio.sleep(0)

        for task in tasks:
            task.cancel()

        if tasks:
            await asyncio.wait(tasks)

        await server.wait_closed()
        await asyncio.sleep(0)
