"""Deadlines on one link: each is kept, early or late, by few sweeps; silence is noticed."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from time import monotonic

import pytest

from infrastructure.caching.redis._link import Link
from infrastructure.caching.redis._signals import Overdue
from infrastructure.conformance._stopwatch import Stopwatch

from ...servers.waiting import until
from .peer import Ears, linked

SLACK = 0.05


class Clock:
    """The time as a link reads it: it passes when the test says so."""

    def __init__(self) -> None:
        self.now = monotonic()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the links of the test a clock."""
    clock = Clock()
    monkeypatch.setattr("infrastructure.caching.redis._link.monotonic", clock)
    monkeypatch.setattr("infrastructure.caching.redis._ledger.monotonic", clock)
    return clock


async def test_many_different_instants() -> None:
    """Each request ends at its own, not before and not much later, whatever their order."""
    async with linked() as (link, peer, _):
        watch, begin = Stopwatch(), monotonic()
        # In no order; some shorter than the time between two sweeps.
        delays = [0.001 * ((number * 37) % 83) for number in range(83)]

        async def ends(delay: float) -> tuple[float, float]:
            with pytest.raises(Overdue) as overdue:
                await link.send(("GET", "k"), begin + delay)

            assert overdue.value.expires == begin + delay
            return watch.passed, watch.taken

        ended = await asyncio.gather(*map(ends, delays))
        await peer.heard(83)

        for delay, (passed, taken) in zip(delays, ended, strict=True):
            assert passed >= delay
            assert taken < delay + SLACK


async def test_the_deadline_of_the_link() -> None:
    """Who brings no instant has that of the link, from the write on."""
    async with linked(deadline=0.06) as (link, peer, _):
        watch = Stopwatch()
        future = link.send(("GET", "k"))
        await peer.heard(1)

        with pytest.raises(Overdue):
            await future

        assert watch.passed >= 0.06
        assert watch.taken < 0.06 + SLACK


async def test_the_deadline_of_what_could_not_be_written() -> None:
    """While the socket takes nothing it counts from the turn of the request; it keeps its place too."""
    async with linked(deadline=0.1) as (link, peer, _):
        await asyncio.sleep(0.01)
        peer.transport.pause_reading()
        large = link.send(("SET", "k", b"v" * 6 * 2**20))
        await asyncio.sleep(0.05)
        watch = Stopwatch()
        small = link.send(("GET", "k"))
        results = await asyncio.gather(large, small, return_exceptions=True)
        assert [type(one) for one in results] == [Overdue, Overdue]
        assert watch.passed >= 0.1
        assert watch.taken < 0.1 + SLACK
        peer.transport.resume_reading()
        commands = await peer.heard(2)
        following = link.send(("GET", "b"))
        commands = await peer.heard(len(commands) + 1)
        peer.answer(b"+OK\r\n", b"$1\r\na\r\n", b"$1\r\nb\r\n")
        assert await following == b"b"


async def test_an_early_one_behind_a_late_one() -> None:
    """The sweep is brought forward."""
    async with linked() as (link, _peer, _):
        late = link.send(("GET", "a"), monotonic() + 60)
        await asyncio.sleep(0.01)
        watch, begin = Stopwatch(), monotonic()

        with pytest.raises(Overdue):
            await link.send(("GET", "b"), begin + 0.03)

        assert watch.taken < 0.03 + SLACK
        assert not late.done()
        late.cancel()


async def test_an_overdue_one_keeps_its_place() -> None:
    """Its late reply is dropped, and the next request gets its own."""
    async with linked() as (link, peer, _):
        with pytest.raises(Overdue):
            await link.send(("GET", "a"), monotonic() + 0.001)

        following = link.send(("GET", "b"))
        await peer.heard(3)
        peer.answer(b"$1\r\na\r\n", b"$1\r\nb\r\n")
        assert await following == b"b"


async def test_one_that_is_answered_in_time(clock: Clock) -> None:
    """Nothing comes of its deadline."""
    async with linked(deadline=2) as (link, peer, ears):
        future = link.send(("GET", "a"), clock() + 1)
        await peer.heard(1)
        peer.say(b"+a\r\n")
        assert await future == b"a"
        clock.now += 3
        link._sweep()
        assert (link.error, ears.losses, ears.silences) == (None, [], [])


@pytest.mark.slow
async def test_silence_is_told() -> None:
    """Half a second after an answer is due, again and again; before that and without debts it is none."""
    async with linked() as (link, peer, ears):
        assert link.silence(monotonic() + 100) == 0
        future = link.send(("GET", "a"))
        await peer.heard(1)
        assert link.silence(monotonic() + 0.4) == 0
        watch = Stopwatch()
        await ears.news.wait()
        assert watch.passed > 0.4
        assert watch.taken < 0.7
        assert link.silence(monotonic()) >= 0.4
        ears.news.clear()
        await ears.news.wait()
        assert ears.silences == [link, link]
        peer.answer(b"+a\r\n")
        await future
        await asyncio.sleep(0.01)
        assert link.silence(monotonic() + 100) == 0


async def test_who_speaks_is_not_silent(clock: Clock) -> None:
    """A server that answers others, or sends a long reply, is heard by its bytes."""
    async with linked() as (link, peer, ears):
        future = link.send(("GET", "large"))
        await peer.heard(1)
        peer.say(b"$30\r\n")

        for _ in range(30):
            clock.now += 0.03
            peer.say(b"x")
            await until(lambda: link.heard == clock.now, 5)
            link._sweep()

        assert not ears.silences
        peer.say(b"\r\n")
        assert await future == b"x" * 30


async def test_who_takes_a_large_request_is_not_silent(clock: Clock) -> None:
    """It cannot answer before it has all of it; once it takes no more it is silent."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    ears, loop = Ears(), asyncio.get_running_loop()
    link = Link("test", 60, lost=ears.lost, silent=ears.silent, push=ears.push)
    await loop.create_unix_connection(lambda: link, sock=ours)

    with closing(theirs):
        waiting = link.send(("SET", "k", b"v" * 16 * 2**20))

        for _ in range(40):
            clock.now += 0.03
            await loop.sock_recv(theirs, 2**16)
            link._sweep()

        assert not ears.silences
        clock.now += 0.6
        link._sweep()
        assert ears.silences == [link]
        waiting.cancel()
        link.close()
        await asyncio.sleep(0)
