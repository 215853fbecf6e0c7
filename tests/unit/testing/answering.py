"""A small server to run in a process of its own: it answers each connection with a line."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from infrastructure.testing import ServerProcess, accepts

from ...servers.ports import free_port

__all__ = ["ask", "exists", "port", "server_on"]

# It says its own number, and how many connections it has had.
ANSWERING = """
import os, signal, socket, sys
if sys.argv[2:] == ["stubborn"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("listening", os.environ.get("COLOUR"), os.getcwd(), flush=True)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    for count in range(1000):
        with server.accept()[0] as peer:
            peer.sendall(f"{os.getpid()} {count}\\n".encode())
"""


@pytest.fixture
def port() -> int:
    """Return a port that is free, and stays so."""
    return free_port()


def server_on(port: int, *arguments: str, **options: object) -> ServerProcess:
    command = [sys.executable, "-S", "-E", "-c", ANSWERING, str(port), *arguments]
    return ServerProcess(command, ready=accepts("127.0.0.1", port), **options)


async def ask(port: int, within: float = 5) -> tuple[int, int]:
    """Return the number of the process that answers, and its count."""
    async with asyncio.timeout(within):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        try:
            pid, count = (await reader.readline()).split()
        finally:
            writer.close()

        return int(pid), int(count)


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False

    return True
