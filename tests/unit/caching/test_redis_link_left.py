"""A link to a server that is no primary any more: what it refuses counts, what it acknowledges does not."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure.caching.redis._signals import Lost, NotSent, Refused

from ...servers.waiting import until
from .test_redis_link import linked


async def test_a_refusal_counts() -> None:
    """It tells where the request is to go; nothing more is sent."""
    async with linked() as (link, theirs):
        futures = [link.send(("SET", "a", "1")), link.send(("SET", "b", "1"), 1e9)]
        link.leave(60)
        theirs.sendall(b"-MOVED 1 127.0.0.1:1\r\n" * 2)
        replies = await asyncio.gather(*futures)
        assert [type(reply) for reply in replies] == [Refused] * 2
        assert link.error is None

        with pytest.raises(NotSent):
            link.send(("SET", "c", "1"))


async def test_all_else_does_not() -> None:
    """What such a server stores is lost with it: whether it stays is not known."""
    async with linked() as (link, theirs):
        futures = [link.send(("SET", "a", "1")) for _ in range(4)]
        futures[0].cancel()
        await asyncio.sleep(0)
        link.leave(60)
        theirs.sendall(b"+OK\r\n-MOVED 1 127.0.0.1:1\r\n+OK\r\n:1\r\n")
        ends = await asyncio.gather(*futures, return_exceptions=True)
        assert isinstance(ends[0], asyncio.CancelledError)
        assert [type(end) for end in ends[1:]] == [Refused, Lost, Lost]


async def test_its_time_is_short() -> None:
    """Then all that it has not answered is lost."""
    async with linked() as (link, _):
        asked = link.send(("SET", "a", "1"))
        link.leave(0.05)

        with pytest.raises(Lost):
            await asked

        await until(lambda: link.error is not None)
