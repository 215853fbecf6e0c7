"""A relay that can put bytes of its own into the stream from the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from ..servers.ports import HOST

__all__ = ["Relay"]


class Place(Protocol):
    """Where a server answers."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


class Relay:
    """Stands before ``place``, and gives clients bytes that the server never sent."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._injected = b""
        self.accepted = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        await asyncio.gather(*self._tasks)

    def inject(self, reply: bytes) -> None:
        """Put ``reply`` behind what was passed on so far."""
        for client in self._clients:
            client.write(reply)

    def inject_when_asked(self, reply: bytes) -> None:
        """Put ``reply`` before the answer to the next question."""
        self._injected = reply

    def _asked(self, client: asyncio.StreamWriter) -> None:
        injected, self._injected = self._injected, b""
        client.write(injected)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._clients.add(writer)
        self.accepted += 1
        there, back = await asyncio.open_connection(self._place.host, self._place.port)
        ask = partial(self._asked, writer)
        await asyncio.gather(_pass_on(reader, back, ask), _pass_on(there, writer))
        self._clients.discard(writer)
        self._tasks.discard(task)


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    before: Callable[[], None] = lambda: None,
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            before()
            writer.write(data)

    writer.close()
