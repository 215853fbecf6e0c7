"""Loopback ports that are free and stay so while a server is down."""

from __future__ import annotations

import itertools
import random
import socket

__all__ = ["HOST", "free_port"]

HOST = "127.0.0.1"

# Below the range from which the kernel takes the ports of outgoing connections: one of those
# would sit on the port of a server that a test has killed and starts again. Each run begins
# somewhere else, so that two of them do not meet.
_FIRST, _LAST = 20000, 29999
_numbers = itertools.count(random.SystemRandom().randrange(_LAST - _FIRST))


def free_port() -> int:
    """Return a port on which nobody listens, and which this run was not given before."""
    for number in itertools.islice(_numbers, _LAST - _FIRST):
        port = _FIRST + number % (_LAST - _FIRST)

        if _is_free(port):
            return port

    msg = f"no free port from {_FIRST} to {_LAST}"
    raise RuntimeError(msg)


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        # As the servers do: what lingers from an earlier connection is no obstacle.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        try:
            sock.bind((HOST, port))
        except OSError:
            return False

    return True
