"""Ports for servers are free, and given once."""

from __future__ import annotations

import socket

from .ports import HOST, _is_free, free_port


def test_a_port_is_given_once() -> None:
    """And somebody can listen on each."""
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert all(20000 <= port < 30000 for port in ports)

    for port in ports:
        with socket.create_server((HOST, port)):
            assert not _is_free(port)
