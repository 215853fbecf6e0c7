"""One connection to a real server, shared by all calls: answers come in the order of the questions."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import hiredis


class Wire(asyncio.Protocol):
    """A question whose caller is gone keeps its place, and its answer is dropped."""

    def __init__(self) -> None:
        self.parser = hiredis.Reader()
        self.waiting: deque[asyncio.Future[Any]] = deque()
        self.transport: asyncio.Transport | None = None
        self.broken: Exception | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed(data)

        try:
            while (reply := self.parser.gets()) is not False:
                self.answer(self.waiting.popleft(), reply)
        except (hiredis.ProtocolError, IndexError) as exc:
            self.close(ConnectionAbortedError(f"the server sent what is no answer: {exc}"))

    def answer(self, future: asyncio.Future[Any], reply: Any) -> None:
        if not future.done():
            future.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(exc or ConnectionResetError("the server closed the connection"))

    def close(self, reason: Exception) -> None:
        self.broken = self.broken or reason
        assert self.transport is not None
        self.transport.abort()

        while self.waiting:
            if not (future := self.waiting.popleft()).done():
                future.set_exception(reason)

    async def ask(self, *command: bytes | str | int) -> Any:
        if self.broken is not None:
            raise self.broken

        assert self.transport is not None
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        # Its stub means a tuple of any length, and says of one.
        self.transport.write(hiredis.pack_command(command))  # type: ignore[arg-type]
        return await future
