"""Back-pressure of one link: bounded requests, bounded bytes, first come, first served."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure.caching.redis._link import Link
from infrastructure.caching.redis._signals import Lost, NotSent

from ...servers.waiting import until
from .peer import linked

MAX_WAITING = 16_384
MIB = 2**20


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no link put a question of its own among the requests, however long they take."""
    monkeypatch.setattr("infrastructure.caching.redis._link._PATIENCE", 60)


def fill(link: Link) -> list[asyncio.Future[object]]:
    """Make as many requests as it takes."""
    return [link.send(("PING",)) for _ in range(MAX_WAITING)]


async def admitted(link: Link, number: int, order: list[int]) -> None:
    """Wait for room, send, and note the number."""
    await link.room()
    reply = link.send(("ECHO", number))
    order.append(number)
    await reply


async def test_no_more_than_so_many_unanswered() -> None:
    """The next one is not taken, until an answer makes room; those who wait come in in order."""
    async with linked() as (link, peer, _):
        futures = fill(link)
        assert not link.has_room

        with pytest.raises(NotSent):
            link.send(("PING",))

        order: list[int] = []
        waiting = [asyncio.create_task(admitted(link, number, order)) for number in range(5)]
        await peer.heard(MAX_WAITING)
        assert order == []
        peer.say(b"+1\r\n+2\r\n")

        await until(lambda: not (len(order) < 2), 2)

        assert order == [0, 1]
        peer.say(b"+x\r\n" * (MAX_WAITING - 2))
        await peer.heard(MAX_WAITING + 5)
        peer.say(b"+x\r\n" * 5)
        await asyncio.gather(*futures, *waiting)
        assert order == [0, 1, 2, 3, 4]
        assert link.has_room


async def test_with_room_nobody_waits() -> None:
    """Nor on a link that is closed: the caller will be told there."""
    async with linked() as (link, _, _ears):
        await link.room()
        link.close()
        await link.room()


async def test_no_more_than_so_many_bytes() -> None:
    """While the socket takes none, values wait here up to a bound; then they all arrive."""
    async with linked() as (link, peer, _):
        await asyncio.sleep(0.01)
        peer.transport.pause_reading()
        sent = []

        while link.has_room:
            sent.append(link.send(("SET", "k", b"v" * MIB)))
            await asyncio.sleep(0)

        assert 8 <= len(sent) < 40
        order: list[int] = []
        waiting = asyncio.create_task(admitted(link, 1, order))
        await asyncio.sleep(0.01)
        assert order == []
        peer.transport.resume_reading()
        await peer.heard(len(sent) + 1)
        assert order == [1]
        assert all(command[2] == b"v" * MIB for command in peer.commands[:-1])
        peer.say(b"+OK\r\n" * (len(sent) + 1))
        await asyncio.gather(*sent, waiting)


async def test_small_ones_behind_a_large_one() -> None:
    """What comes while the socket is full is held back, and leaves in order."""
    async with linked() as (link, peer, _):
        await asyncio.sleep(0.01)
        peer.transport.pause_reading()
        large = link.send(("SET", "k", b"v" * 6 * MIB))
        await asyncio.sleep(0.01)
        small = [link.send(("ECHO", number)) for number in range(10)]
        await asyncio.sleep(0.01)
        peer.transport.resume_reading()
        commands = await peer.heard(11)
        assert [int(command[1]) for command in commands[1:]] == [*range(10)]
        peer.say(b"+OK\r\n" * 11)
        await asyncio.gather(large, *small)


async def test_who_gives_up_waiting_takes_no_room() -> None:
    """His place is the next one's; also when he is cancelled in the very turn in which it came."""
    async with linked() as (link, peer, _):
        futures = fill(link)
        order: list[int] = []
        waiting = [asyncio.create_task(admitted(link, number, order)) for number in range(3)]
        await peer.heard(MAX_WAITING)
        waiting[0].cancel()
        await asyncio.wait({waiting[0]})
        futures[0].add_done_callback(lambda _: waiting[1].cancel())
        peer.say(b"+1\r\n")

        await until(lambda: order, 2)

        assert order == [2]
        await peer.heard(MAX_WAITING + 1)
        assert waiting[1].cancelled()
        peer.say(b"+x\r\n" * MAX_WAITING)
        await asyncio.gather(*futures, waiting[2])


async def test_who_is_cancelled_in_the_turn_of_an_answer() -> None:
    """He gets his cancellation and nothing else; the room is the next one's, and the link goes on."""
    async with linked() as (link, peer, ears):
        futures = fill(link)
        order: list[int] = []
        waiting = [asyncio.create_task(admitted(link, number, order)) for number in range(2)]
        await peer.heard(MAX_WAITING)
        # The answer is read after the cancellation, before he has run.
        waiting[0].cancel()
        link.data_received(b"+1\r\n")
        await peer.heard(MAX_WAITING + 1)
        assert waiting[0].cancelled()
        assert (order, ears.losses) == ([1], [])
        peer.say(b"+x\r\n" * MAX_WAITING)
        await asyncio.gather(*futures, waiting[1])
        assert link.has_room


async def test_who_is_cancelled_in_the_turn_of_the_loss() -> None:
    """The loss is told to all others all the same."""
    async with linked() as (link, peer, ears):
        futures = fill(link)
        order: list[int] = []
        waiting = [asyncio.create_task(admitted(link, number, order)) for number in range(3)]
        await peer.heard(MAX_WAITING)
        waiting[1].cancel()
        link.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in results] == [NotSent, asyncio.CancelledError, NotSent]
        assert ears.losses == [link]
        await asyncio.gather(*futures, return_exceptions=True)


async def test_a_link_that_breaks_lets_all_in() -> None:
    """Those who wait for room are told by their request that it is gone."""
    async with linked() as (link, peer, _):
        futures = fill(link)
        order: list[int] = []
        waiting = [asyncio.create_task(admitted(link, number, order)) for number in range(3)]
        await peer.heard(MAX_WAITING)
        link.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [NotSent] * 3
        assert not order
        lost = await asyncio.gather(*futures, return_exceptions=True)
        assert {type(result) for result in lost} == {Lost}


async def again_and_again(link: Link) -> None:
    """Call anew at each answer."""
    while True:
        try:
            reply = link.send(("ECHO", "x"))
        except NotSent:
            await link.room()
            reply = link.send(("ECHO", "x"))

        await reply


async def test_a_place_is_not_taken_by_who_comes_later() -> None:
    """Callers that call again at each answer leave the room to who waited for it."""
    async with linked() as (link, peer, _):
        callers = [asyncio.create_task(again_and_again(link)) for _ in range(MAX_WAITING)]
        await peer.heard(MAX_WAITING)
        order: list[int] = []
        late = asyncio.create_task(admitted(link, 1, order))
        await asyncio.sleep(0)
        assert not order
        peer.say(b"+x\r\n")
        await peer.heard(MAX_WAITING + 1)
        assert order == [1]

        for caller in (*callers, late):
            caller.cancel()

        await asyncio.wait([*callers, late])
