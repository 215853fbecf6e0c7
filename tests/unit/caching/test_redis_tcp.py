"""Whether the peer's machine acknowledges: the kernel is asked, and where it cannot say, it is assumed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from infrastructure.caching.redis._tcp import Uptake, is_cut_off

from ...servers.waiting import until


@pytest.fixture
def unanswered() -> Iterator[socket.socket]:
    """Give a socket whose first packet nobody acknowledges: the queue of the listener is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.socket()))
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        sockets = []

        for _ in range(4):
            sock = stack.enter_context(closing(socket.socket()))
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            sockets.append(sock)

        yield sockets[-1]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="only Linux tells")
async def test_a_packet_that_is_sent_again(unanswered: socket.socket) -> None:
    """It is cut off from the first repetition on, a second after the packet."""
    assert not is_cut_off(unanswered)

    await until(lambda: is_cut_off(unanswered), 4)


def test_a_connection_that_is_well() -> None:
    """What was sent was acknowledged, read or not."""
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        closing(socket.create_connection(listener.getsockname())) as sock,
    ):
        assert not is_cut_off(sock)
        sock.sendall(b"x" * 1000)
        assert not is_cut_off(sock)


def test_where_it_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket, one of Unix, a closed one, a kernel that tells too little, another system."""
    one, other = socket.socketpair()

    with closing(one), closing(other):
        assert not is_cut_off(None)
        assert not is_cut_off(one)

    closed = socket.socket()
    closed.close()
    assert not is_cut_off(closed)

    class Short(socket.socket):
        def getsockopt(self, *_: object) -> bytes:
            return b"short"

    with closing(Short()) as short:
        assert not is_cut_off(short)

    monkeypatch.delattr(socket, "TCP_INFO", raising=False)

    with closing(socket.socket()) as sock:
        assert not is_cut_off(sock)


def test_a_peer_that_takes_a_large_request() -> None:
    """It is seen as long as it takes some, not while it takes nothing, and not by a small rest."""
    one, other = socket.socketpair()

    with closing(one), closing(other):
        one.setblocking(False)
        uptake = Uptake()
        uptake.written = 2**20
        sent = one.send(b"x" * 2**17)
        buffered = uptake.written - sent
        assert not uptake.is_seen(one, buffered)
        other.recv(2**16)
        assert uptake.is_seen(one, buffered)
        assert not uptake.is_seen(one, buffered)
        other.recv(2**17)
        assert not uptake.is_seen(one, 0)


def test_a_peer_of_which_nothing_is_known() -> None:
    """Without a socket, or with a closed one, what the transport holds tells alone."""
    closed = socket.socket()
    closed.close()

    for sock in (None, closed):
        uptake = Uptake()
        uptake.written = 2**20
        assert not uptake.is_seen(sock, 2**20)
        assert uptake.is_seen(sock, 2**19)
