"""A loopback port that accepts connections or refuses them, and stays ours meanwhile."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from ..interfaces.exceptions import ConnectionError

__all__ = ["HOST", "Listener"]

HOST = "127.0.0.1"

_BACKLOG = 1024
_AT_ONCE = 64


class Listener:
    """Gives accepted sockets to ``accepted``; ``open`` takes ``port``, or a free one for 0."""

    def __init__(self, port: int, accepted: Callable[[socket.socket], None]) -> None:
        self.port = port
        self._accepted = accepted
        self._sock: socket.socket | None = None
        self._listening = False

    def open(self) -> None:
        """Take the port and accept connections."""
        self._bind()
        self.accept()

    def _bind(self) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)

        try:
            sock.setblocking(False)
            # Connections of before linger on the port, and we come back to it.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((HOST, self.port))
        except OSError as exc:
            sock.close()
            msg = f"the proxy cannot listen on {HOST}:{self.port}: {exc}; leave port= out for a free one"
            raise ConnectionError(msg, operation="listen") from exc

        self._sock = sock
        self.port = sock.getsockname()[1]

    def accept(self) -> None:
        """Accept connections from now on."""
        if self._sock is None or self._listening:
            return

        self._sock.listen(_BACKLOG)
        self._listening = True
        asyncio.get_running_loop().add_reader(self._sock, self._on_connections)

    def refuse(self) -> None:
        """Refuse connections from now on, those too that were not accepted yet."""
        if not self._listening:
            return

        self.close()
        # Bound and not listening: nobody else gets the port, and the kernel refuses for it.
        self._bind()

    def close(self) -> None:
        """Let go of the port."""
        sock, self._sock = self._sock, None

        if sock is not None:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()

        self._listening = False

    def _on_connections(self) -> None:
        assert self._sock is not None

        for _ in range(_AT_ONCE):
            try:
                accepted, _ = self._sock.accept()
            except OSError:
                # None left, or one that its client has given up already.
                return

            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._accepted(accepted)
