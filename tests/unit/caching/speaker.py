"""A server that speaks just enough RESP to do what no real server can be brought to do."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress

import hiredis

__all__ = ["HELLO", "Speaker", "speaking"]

HELLO = b"%1\r\n+proto\r\n:3\r\n"
Answer = Callable[[list[bytes]], bytes]


class Speaker:
    """Answers the handshake as a server does, and everything else by ``answer``.

    ``heard``      the commands but for those by which links are made and looked after.
    ``connected``  how many connections it has taken.
    """

    def __init__(self, answer: Answer) -> None:
        self.heard: list[list[bytes]] = []
        self.connected = 0
        self.url = ""
        self.address = ("", 0)
        self._answer = answer
        self._listening: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        self.connected += 1
        task = asyncio.create_task(self._listen(reader, writer))
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    async def stop(self) -> None:
        """End all connections."""
        for task in self._listening:
            task.cancel()

        if self._listening:
            await asyncio.wait(self._listening)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        parser = hiredis.Reader()

        with closing(writer), suppress(builtins.ConnectionError):
            while data := await reader.read(65536):
                parser.feed(data)

                while (command := parser.gets()) is not False:
                    writer.write(self._reply(command))

    def _reply(self, command: list[bytes]) -> bytes:
        if command[0] == b"HELLO":
            return HELLO

        if command[0] == b"CLIENT":
            return b"+OK\r\n"

        # The question by which a link sees that it is in step.
        if command[0] == b"PING" and len(command) == 2:
            return b"$%d\r\n%s\r\n" % (len(command[1]), command[1])

        self.heard.append(command)
        return self._answer(command)


@asynccontextmanager
async def speaking(answer: Answer) -> AsyncIterator[Speaker]:
    """Give a server that answers so."""
    speaker = Speaker(answer)
    server = await asyncio.start_server(speaker.accept, "127.0.0.1", 0)

    try:
        speaker.address = server.sockets[0].getsockname()
        speaker.url = "redis://{}:{}".format(*speaker.address)
        yield speaker
    finally:
        server.close()
        await speaker.stop()
        await server.wait_closed()
