"""Asks the kernel whether the peer's machine still acknowledges what was sent to it."""

from __future__ import annotations

import socket
import struct

__all__ = ["is_cut_off"]

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
