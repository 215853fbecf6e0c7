"""One link: one write a turn, replies in order, and what becomes of those who wait when it breaks."""

from __future__ import annotations

import asyncio
import math
from time import monotonic

import hiredis
import pytest

from infrastructure.caching.redis._link import CLOSED, Link
from infrastructure.caching.redis._signals import Lost, NotSent, Refused

from .peer import Ears, linked


async def test_one_write_for_all_of_a_turn() -> None:
    """A hundred requests leave together, and each reply goes to its own."""
    async with linked() as (link, peer, _):
        futures = [link.send(("ECHO", str(number))) for number in range(100)]
        await peer.heard(100)
        assert peer.pieces == 1
        assert "100 unanswered" in repr(link)
        peer.say(b"".join(b":%d\r\n" % number for number in range(100)))
        assert await asyncio.gather(*futures) == [*range(100)]
        assert "0 unanswered" in repr(link)


async def test_replies_in_pieces() -> None:
    """However they are cut, each goes to its request."""
    async with linked() as (link, peer, _):
        futures = [link.send(("GET", "k")), link.send(("GET", "k"))]
        await peer.heard(2)

        for byte in b"$3\r\nabc\r\n$-1\r\n":
            peer.say(bytes([byte]))
            await asyncio.sleep(0)

        assert await asyncio.gather(*futures) == [b"abc", None]


async def test_a_cancelled_request_keeps_its_place() -> None:
    """Its late reply goes nowhere; the next one gets its own."""
    async with linked() as (link, peer, _):
        first, second = link.send(("GET", "a")), link.send(("GET", "b"))
        await peer.heard(2)
        first.cancel()
        peer.say(b"$1\r\na\r\n$1\r\nb\r\n")
        assert await second == b"b"
        assert first.cancelled()


async def test_a_refusal_is_a_result() -> None:
    """With its code, and the instant at which its request must end."""
    async with linked(deadline=7) as (link, peer, _):
        own = monotonic() + 3
        futures = [link.send(("GET", "a")), link.send(("GET", "b"), own)]
        sent = monotonic()
        await peer.heard(2)
        peer.say(b"-LOADING wait\r\n-MOVED 1 h:1\r\n")
        first, second = await asyncio.gather(*futures)
        assert isinstance(first, Refused)
        assert (first.code, second.code) == ("LOADING", "MOVED")
        assert first.expires == pytest.approx(sent + 7, abs=0.2)
        assert second.expires == own


async def test_pushes_are_no_replies() -> None:
    """They are heard in the order of the stream, and take nobody's place."""
    async with linked() as (link, peer, ears):
        future = link.send(("GET", "a"))
        await peer.heard(1)
        peer.say(b">2\r\n+invalidate\r\n*1\r\n$1\r\nx\r\n$1\r\na\r\n>2\r\n+invalidate\r\n_\r\n")
        assert await future == b"a"
        await ears.news.wait()
        assert ears.frames == [[b"invalidate", [b"x"]], [b"invalidate", None]]


async def test_a_link_that_is_closed_by_its_server() -> None:
    """What left is lost, with the reason; what did not leave was not sent; it is told once."""
    async with linked() as (link, peer, ears):
        left = link.send(("SET", "k", "v"), 99.5)
        await peer.heard(1)
        peer.transport.close()

        with pytest.raises(Lost) as lost:
            await left

        assert lost.value.expires == 99.5
        assert isinstance(lost.value.__cause__, ConnectionResetError)
        assert ears.losses == [link]
        assert "closed" in repr(link)

        with pytest.raises(NotSent):
            link.send(("GET", "k"))


async def test_a_link_that_breaks_before_the_write() -> None:
    """A request of this very turn never left, and is told so."""
    async with linked(deadline=3) as (link, _peer, ears):
        left = link.send(("GET", "k"))
        future = link.send(("SET", "k", "v"))
        link.fail(OSError("broken"))
        link.fail(OSError("again"))

        with pytest.raises(Lost):
            await left

        with pytest.raises(NotSent) as unsent:
            await future

        assert unsent.value.expires == pytest.approx(monotonic() + 3, abs=0.2)
        assert len(ears.losses) == 1


@pytest.mark.parametrize("data", [b"hello\r\n", b"$x\r\n", b"\0\0\0"])
async def test_garbage_ends_it(data: bytes) -> None:
    """What is no RESP is believed no more, nor what comes behind it."""
    async with linked() as (link, peer, _):
        future = link.send(("GET", "k"))
        await peer.heard(1)
        peer.say(data + b"+OK\r\n")

        with pytest.raises(Lost) as lost:
            await future

        assert isinstance(lost.value.__cause__, hiredis.ProtocolError)
        await peer.closed()


async def test_a_reply_too_many_ends_it() -> None:
    """Nobody asked for it: from there on replies would go to others."""
    async with linked() as (link, peer, ears):
        future = link.send(("GET", "k"))
        await peer.heard(1)
        peer.say(b"$1\r\na\r\n$1\r\nb\r\n")
        assert await future == b"a"
        await ears.news.wait()
        assert isinstance(link.error, IndexError)


async def test_a_refusal_that_nobody_asked_for() -> None:
    """A server that hangs up says why: that is the reason."""
    async with linked() as (link, peer, ears):
        # It is let in first.
        await asyncio.sleep(0.01)
        peer.say(b"-ERR max number of clients reached\r\n")
        await ears.news.wait()
        assert isinstance(link.error, Refused)
        assert "clients" in str(link.error)


async def test_a_link_that_is_closed_before_it_was_made() -> None:
    """Its socket is closed as soon as there is one."""
    async with linked() as (_, peer, _ears):
        ears = Ears()
        link = Link("late", 5, lost=ears.lost, silent=ears.silent, push=ears.push)
        link.close()
        assert link.socket is None
        where = peer.transport.get_extra_info("sockname")
        await asyncio.get_running_loop().create_connection(lambda: link, *where)
        assert link.error is not None
        assert len(ears.losses) == 1


async def test_no_link() -> None:
    """What stands where none is sends nothing."""
    with pytest.raises(NotSent) as unsent:
        CLOSED.send(("GET", "k"))

    assert unsent.value.expires == math.inf


async def test_the_socket_beneath() -> None:
    """It is that of the transport."""
    async with linked() as (link, peer, _):
        assert link.socket is not None
        await asyncio.sleep(0.01)
        assert link.socket.getsockname() == peer.transport.get_extra_info("peername")
