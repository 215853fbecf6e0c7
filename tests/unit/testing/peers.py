"""A server and a client to stand on the two sides of a proxy, and what they saw."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

__all__ = ["Client", "Echo", "Seen", "nothing_left", "server_of", "until"]


@dataclass
class Seen:
    """One connection of a server: what came, and how it ended (``cut``, ``reset``)."""

    data: bytearray = field(default_factory=bytearray)
    ended: str | None = None


class Echo(asyncio.Protocol):
    """Sends back whatever comes."""

    def __init__(self, seen: list[Seen]) -> None:
        self.seen = Seen()
        seen.append(self.seen)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen.data += data
        self.transport.write(data)

    def eof_received(self) -> None:
        self.seen.ended = "cut"

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.ended = self.seen.ended or ("reset" if exc else "closed")


@asynccontextmanager
async def server_of(
    make: Callable[[list[Seen]], asyncio.Protocol] = Echo, path: Path | None = None
) -> AsyncIterator[tuple[tuple[str, int], list[Seen]]]:
    """Give the address of a server, and the connections that it sees."""
    loop, seen = asyncio.get_running_loop(), []

    if path is None:
        server = await loop.create_server(lambda: make(seen), "127.0.0.1", 0)
    else:
        server = await loop.create_unix_server(lambda: make(seen), path)

    async with server:
        yield server.sockets[0].getsockname(), seen
        await until(lambda: all(one.ended for one in seen))


class Client:
    """A bare socket: what was received before a reset is not lost, as it is with streams."""

    def __init__(self) -> None:
        self._sock = socket.socket()
        self._sock.setblocking(False)
        self.received = bytearray()

    @classmethod
    async def open(cls, port: int) -> Self:
        """Return a connected client."""
        client = cls()

        try:
            await asyncio.get_running_loop().sock_connect(client._sock, ("127.0.0.1", port))
        except BaseException:
            client.close()
            raise

        return client

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def piece(self) -> bytes:
        """Return what one read gives."""
        async with asyncio.timeout(10):
            data = await asyncio.get_running_loop().sock_recv(self._sock, 65536)

        self.received += data
        return data

    async def read(self, size: int) -> bytes:
        """Return exactly so many bytes, fewer at the end of the stream."""
        data = bytearray()

        while len(data) < size and (piece := await self.piece()):
            data += piece

        return bytes(data)

    async def rest(self) -> tuple[bytes, str]:
        """Return what still comes, and how it ends."""
        data = bytearray()

        try:
            while piece := await self.piece():
                data += piece
        except ConnectionResetError:
            return bytes(data), "reset"

        return bytes(data), "cut"

    async def ask(self, data: bytes) -> bytes:
        """Send and return as many bytes."""
        await self.send(data)
        return await self.read(len(data))

    def finish(self) -> None:
        """End the own stream, and listen on."""
        self._sock.shutdown(socket.SHUT_WR)

    def crash(self) -> None:
        """Close by a reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def until(condition: Callable[[], object], within: float = 5.0) -> None:
    """Return when ``condition`` holds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what others see has no event
            await asyncio.sleep(0.001)


def _open_files() -> Counter[str]:
    return Counter(_behind(name) for name in os.listdir("/dev/fd"))  # noqa: PTH208 - names are enough


def _behind(name: str) -> str:
    try:
        return os.readlink(f"/dev/fd/{name}")  # noqa: PTH115 - it is no path
    except OSError:
        # That of the list itself, which is closed by now; or no Linux: then it is counted.
        return ""


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """After the test no task and no file descriptor is left."""
    tasks, files = asyncio.all_tasks(), _open_files()
    yield
    await until(lambda: asyncio.all_tasks() - tasks <= {asyncio.current_task()})
    # What was left to end by a test before may end meanwhile: counted are those that are new.
    await until(lambda: not _open_files() - files)
