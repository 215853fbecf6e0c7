"""Ports for servers are free, and given once."""

from __future__ import annotations

import itertools
import socket

from .ports import HOST, _counted, _is_free, free_port


def test_a_port_is_given_once() -> None:
    """And somebody can listen on each."""
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert all(20000 <= port < 30000 for port in ports)

    for port in ports:
        with socket.create_server((HOST, port)):
            assert not _is_free(port)


def test_processes_that_share_a_run_have_no_port_in_common() -> None:
    """However often each of them begins anew."""
    one, other = (set(itertools.islice(_counted(worker, 2), 20_000)) for worker in range(2))
    assert not one & other
    assert sorted(one | other) == list(range(20000, 30000))
