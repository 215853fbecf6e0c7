"""A way that takes time: a proxy in a process of its own that forwards each piece a while after it came."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

__all__ = ["delayed"]

_HOST = "127.0.0.1"
_PIECE = 65536


@asynccontextmanager
async def delayed(url: str, round_trip: float) -> AsyncIterator[str]:
    """Give the URL of a way to ``url`` whose round trip takes so many seconds; 0 is ``url`` itself."""
    if not round_trip:
        yield url
        return

    parts = urlsplit(url)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(__file__, str(parts.port), str(round_trip / 2)),
        stdout=asyncio.subprocess.PIPE,
    )

    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        netloc = parts.netloc.replace(f":{parts.port}", f":{port}")
        yield parts._replace(netloc=netloc).geturl()
    finally:
        process.kill()
        await process.wait()


class _Proxy:
    """Forwards between those who connect and ``port``; each piece is ``delay`` seconds under way.

    No event loop: asyncio's timers are as coarse as epoll's milliseconds, and a queue for all
    is enough, since everything has the same delay. What it sends is small and never has to wait.
    """

    def __init__(self, port: int, delay: float) -> None:
        self._target = (_HOST, port)
        self._delay = delay
        self._listener = socket.create_server((_HOST, 0))
        self._peers: dict[socket.socket, socket.socket] = {}
        self._queue: deque[tuple[float, socket.socket, bytes]] = deque()

    def serve(self) -> None:
        """Tell the port, and go on until the process is ended."""
        print(self._listener.getsockname()[1], flush=True)

        while True:
            for sock in self._readable():
                if sock is self._listener:
                    self._accept()
                else:
                    self._read(sock)

            self._forward()

    def _readable(self) -> list[socket.socket]:
        wait = max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else None
        return select.select([self._listener, *self._peers], [], [], wait)[0]

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(self._target)

        for sock, peer in ((near, far), (far, near)):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[sock] = peer

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(_PIECE)
        except OSError:
            data = b""

        # After the last piece nothing more is read; the other side learns of it in its turn.
        peer = self._peers[sock] if data else self._peers.pop(sock, None)

        if peer is not None:
            self._queue.append((time.monotonic() + self._delay, peer, data))

    def _forward(self) -> None:
        now = time.monotonic()

        while self._queue and self._queue[0][0] <= now:
            _, sock, data = self._queue.popleft()

            try:
                if data:
                    sock.sendall(data)
                else:
                    sock.shutdown(socket.SHUT_WR)
            except OSError:
                self._peers.pop(sock, None)


if __name__ == "__main__":
    _Proxy(int(sys.argv[1]), float(sys.argv[2])).serve()
