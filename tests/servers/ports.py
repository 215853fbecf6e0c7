"""Loopback ports that are free and stay so while a server is down."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator

__all__ = ["HOST", "free_port"]

HOST = "127.0.0.1"

# Below the range from which the kernel takes the ports of outgoing connections: one of those
# would sit on the port of a server that a test has killed and starts again.
_FIRST, _LAST = 20000, 29999


def _counted(worker: int, workers: int) -> Iterator[int]:
    """Give the ports of one of several processes that share a run, over and over.

    Each begins somewhere else, so that two runs do not meet; two of one run cannot.
    """
    own = range(_FIRST + worker, _LAST + 1, workers)
    begin = random.SystemRandom().randrange(len(own))
    return (own[number % len(own)] for number in itertools.count(begin))


_ports = _counted(
    int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")),
    int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
)


def free_port() -> int:
    """Return a port on which nobody listens, and which this run was not given before."""
    for port in itertools.islice(_ports, _LAST - _FIRST):
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
