"""A server that speaks just enough RESP to do what no real server can be brought to do."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import hiredis

from ...servers.serving import serving

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

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        self.connected += 1
        parser = hiredis.Reader()

        with suppress(builtins.ConnectionError):
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

    async with serving(speaker.listen) as speaker.address:
        speaker.url = "redis://{}:{}".format(*speaker.address)
        yield speaker
