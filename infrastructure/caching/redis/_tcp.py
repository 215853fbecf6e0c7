"""Asks the kernel what the peer's machine acknowledges of what was sent to it."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

__all__ = ["Uptake", "is_cut_off"]

_MANY = 2**16
"""Bytes on their way, from which on it counts that they become fewer."""

# The kernel's struct tcp_info (linux/tcp.h, stable): state, ca_state and retransmits are the
# first three of eight bytes; of the numbers of four bytes that follow, unacked is the fifth.
_INFO = struct.Struct("@2xB5x4xxxxxxxxxxxxxI")


def is_cut_off(sock: socket.socket | None) -> bool:
    """Return whether what was sent is being sent again because no acknowledgement came.

    A server that is stopped or busy does not look so: its kernel acknowledges. ``False`` where
    it cannot be told: no TCP, or no Linux.
    """
    if sock is None or not hasattr(socket, "TCP_INFO") or sock.family == socket.AF_UNIX:
        return False

    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    except OSError:
        return False

    if len(info) < _INFO.size:
        return False

    retransmits, unacked = _INFO.unpack(info)
    return bool(retransmits and unacked)


class Uptake:
    """Sees whether a peer takes large requests; ``written`` are the bytes that were given to the transport."""

    def __init__(self) -> None:
        self.written = 0
        self._taken = 0

    def is_seen(self, sock: socket.socket | None, buffered: int) -> bool:
        """Return whether many bytes are on their way, and the peer took some since the last call.

        Of few it says nothing: a machine whose server is stopped acknowledges them too.
        """
        left = buffered + _unacknowledged(sock)
        before, self._taken = self._taken, self.written - left
        return left >= _MANY and self._taken > before


def _unacknowledged(sock: socket.socket | None) -> int:
    """Return how many bytes the kernel holds that the peer has not taken; 0 where it cannot be told."""
    if sock is None:
        return 0

    with suppress(ImportError, OSError, ValueError):
        # Here: there is neither on Windows.
        from fcntl import ioctl
        from termios import TIOCOUTQ

        held: int
        (held,) = struct.unpack("i", ioctl(sock.fileno(), TIOCOUTQ, bytes(4)))
        return held

    return 0
