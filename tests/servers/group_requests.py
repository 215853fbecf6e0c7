"""The requests of a member of a group that wants no topic, one by one: to join, to hand out, to leave."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

__all__ = ["REBALANCE_IN_PROGRESS", "GroupRequests", "Joined", "group_requests"]

REBALANCE_IN_PROGRESS = 27

_MEMBER_ID_REQUIRED = 79
_JOIN, _LEAVE, _SYNC = 11, 13, 14
_SESSION = 6000

# A subscription of the oldest form: version, topics, data of the user's own, which are none.
_NO_TOPICS = struct.pack(">hii", 0, 0, -1)


class Joined(NamedTuple):
    """What the coordinator answered who joined."""

    error: int
    generation: int
    protocol: str
    leader: str
    member: str


class GroupRequests:
    """Asks the coordinator of a group by one connection, in the oldest form of each request."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, group: str
    ) -> None:
        self._reader, self._writer, self._group = reader, writer, group

    async def join(self) -> Joined:
        """Join as a new member, which need not have joined again to be one."""
        answer = await self._join("")
        return await self._join(answer.member) if answer.error == _MEMBER_ID_REQUIRED else answer

    async def sync(self, joined: Joined) -> int:
        """Give the member all that there is, as leader; return the error, 0 where there is none."""
        told = struct.pack(">i", joined.generation) + _text(joined.member)
        assigned = struct.pack(">i", 1) + _text(joined.member) + struct.pack(">i", 0)
        return _code(await self._ask(_SYNC, told + assigned))

    async def leave(self, joined: Joined) -> int:
        """Leave; return the error, 0 where there is none."""
        return _code(await self._ask(_LEAVE, _text(joined.member)))

    async def _join(self, member: str) -> Joined:
        protocol = _text("cooperative-sticky") + struct.pack(">i", len(_NO_TOPICS)) + _NO_TOPICS
        told = struct.pack(">i", _SESSION) + _text(member) + _text("consumer")
        told += struct.pack(">i", 1) + protocol
        return _joined(await self._ask(_JOIN, told))

    async def _ask(self, request: int, told: bytes) -> bytes:
        """Return what follows the number of the request in its answer."""
        asked = struct.pack(">hhi", request, 0, 1) + _text("test") + _text(self._group) + told
        self._writer.write(struct.pack(">i", len(asked)) + asked)
        [size] = struct.unpack(">i", await self._reader.readexactly(4))
        return (await self._reader.readexactly(size))[4:]


@asynccontextmanager
async def group_requests(host: str, port: int, group: str) -> AsyncIterator[GroupRequests]:
    """Give the requests of ``group`` to the one broker at this address."""
    reader, writer = await asyncio.open_connection(host, port)

    try:
        yield GroupRequests(reader, writer, group)
    finally:
        writer.close()
        await writer.wait_closed()


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _code(answer: bytes) -> int:
    return int.from_bytes(answer[:2], signed=True)


def _joined(answer: bytes) -> Joined:
    error, generation = struct.unpack_from(">hi", answer)
    position, texts = 6, []

    for _ in range(3):
        end = position + 2 + int.from_bytes(answer[position : position + 2])
        texts.append(answer[position + 2 : end].decode())
        position = end

    return Joined(error, generation, *texts)
