"""A server's two lines: large keys on the second, each key in order between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infrastructure.caching.redis import _node
from infrastructure.caching.redis._dial import Dialer
from infrastructure.caching.redis._node import Node
from infrastructure.testing import ChaosProxy

from ...servers.waiting import until
from .speaker import speaking
from .test_redis_line import Listening


@asynccontextmanager
async def noded() -> AsyncIterator[tuple[Node, ChaosProxy]]:
    """Give a node and the proxy before its server."""
    async with (
        speaking(lambda _command: b"+OK\r\n") as server,
        ChaosProxy(server.address) as proxy,
    ):
        node = Node((proxy.host, proxy.port), Dialer(deadline=5), Listening())

        try:
            yield node, proxy
        finally:
            node.close()
            await asyncio.sleep(0.01)


async def test_the_second_line_is_for_large_keys() -> None:
    """It is made when the first of them comes; all others share the first line."""
    async with noded() as (node, proxy):
        small = await node.link_for("small")
        assert proxy.accepted == 1
        node.note_large("large")
        node.note_large("large")
        large = await node.link_for("large")
        assert large is not small
        assert await node.link_for("large") is large
        assert await node.link_for("small") is small
        assert str(proxy.port) in repr(node)


async def test_a_key_that_becomes_large_waits_for_what_was_sent_before() -> None:
    """Its first request on the second line comes after the answers of the first line, once."""
    async with noded() as (node, proxy):
        first = await node.link_for("k")
        await node.wide.ready()
        proxy.delay(0.03)
        write = first.send(("SET", "k", "small"))
        write.cancel()
        node.note_large("k")
        moving = asyncio.create_task(node.link_for("k"))
        assert not (await asyncio.wait({moving}, timeout=0.02))[0]
        assert await moving is node.wide.link
        # Both directions of the delay have passed: the write was answered.
        assert not first.waiting
        first.send(("SET", "other", "v")).cancel()
        assert first.waiting
        assert await node.link_for("k") is node.wide.link
        assert first.waiting


async def test_the_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are too many they go back to the first line, but not while the second owes answers."""
    monkeypatch.setattr(_node, "_MAX_LARGE", 3)

    async with noded() as (node, proxy):
        for name in "abc":
            node.note_large(name)

        link = await node.link_for("a")
        proxy.black_hole()
        owed = link.send(("GET", "a"))
        node.note_large("d")
        assert set(node.large) == set("abc")
        proxy.heal()
        await owed
        node.note_large("d")
        assert set(node.large) == {"d"}
        assert await node.link_for("a") is node.main.link


async def test_it_is_closed() -> None:
    """Both lines are."""
    async with noded() as (node, proxy):
        node.note_large("large")
        await node.link_for("large")
        await node.link_for("small")
        assert proxy.open == 2
        node.close()
        assert node.is_closed

        await until(lambda: not (proxy.open), 2)
