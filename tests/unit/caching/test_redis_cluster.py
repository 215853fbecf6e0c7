"""A Cluster's odd answers, which no real one gives when it is asked to: nodes of ours give them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConfigurationError, ConnectionError

from ...servers.endpoint import Endpoint
from ...servers.waiting import until
from .speaker import Speaker, speaking

Answer = Callable[[list[bytes]], bytes]


def slots(*ranges: tuple[int, int, int, bytes], host: bytes = b"127.0.0.1") -> bytes:
    """Return the reply to CLUSTER SLOTS: first, last, port, name of each range."""
    lines = [b"*%d\r\n" % len(ranges)]

    for first, last, port, name in ranges:
        shown = b"$-1\r\n" if not host else b"$%d\r\n%s\r\n" % (len(host), host)
        node = b"*3\r\n%s:%d\r\n$%d\r\n%s\r\n" % (shown, port, len(name), name)
        lines.append(b"*3\r\n:%d\r\n:%d\r\n%s" % (first, last, node))

    return b"".join(lines)


def nodes(*epochs: tuple[bytes, int]) -> bytes:
    """Return the reply to CLUSTER NODES, with the epoch of each name."""
    text = b"".join(b"%s 127.0.0.1:1@2 master - 0 0 %d connected\n" % each for each in epochs)
    return b"$%d\r\n%s\r\n" % (len(text), text)


class Told:
    """What a node answers; the test may say otherwise at any time."""

    def __init__(self) -> None:
        self.slots = b"*0\r\n"
        self.nodes = nodes()
        self.value: Answer = lambda _command: b"$2\r\n\x92\x01\r\n"

    def __call__(self, command: list[bytes]) -> bytes:
        if command[0] == b"CLUSTER":
            return self.slots if command[1] == b"SLOTS" else self.nodes

        return b"+PONG\r\n" if command[0] == b"PING" else self.value(command)


@asynccontextmanager
async def two_nodes() -> AsyncIterator[tuple[list[Told], list[Speaker], str]]:
    """Give two nodes, of which the first has all slots, and the URL of both."""
    told = [Told(), Told()]

    async with AsyncExitStack() as stack:
        speakers = [await stack.enter_async_context(speaking(one)) for one in told]

        for one in told:
            one.slots = slots((0, 16383, speakers[0].address[1], b"a"))
            one.nodes = nodes((b"a", 1))

        hosts = ",".join("{}:{}".format(*speaker.address) for speaker in speakers)
        yield told, speakers, f"redis+cluster://{hosts}"


def gets(speaker: Speaker) -> int:
    """Return how often a value was asked for there."""
    return sum(command[0] == b"GET" for command in speaker.heard)


def looked(speaker: Speaker) -> int:
    """Return how often the slots were asked for there."""
    return sum(command[:2] == [b"CLUSTER", b"SLOTS"] for command in speaker.heard)


async def test_moved_to_a_port_of_the_same_host() -> None:
    """A node that does not know its address leaves the host out: the map is read again."""
    async with two_nodes() as (told, speakers, url):
        port = speakers[1].address[1]

        async with RedisCache(url) as cache:
            moved = slots((0, 16383, port, b"b"), host=b"")

            for one in told:
                one.slots, one.nodes = moved, nodes((b"b", 2))

            told[0].value = lambda _command: b"-MOVED 7629 :%d\r\n" % port
            assert await cache.get("k") == 1
            assert (gets(speakers[0]), gets(speakers[1])) == (1, 1)


async def test_a_stale_node_is_overruled() -> None:
    """Of two that claim a slot the one of the newer epoch has it, whoever else is asked."""
    async with two_nodes() as (told, speakers, url):
        first, second = (speaker.address[1] for speaker in speakers)
        told[0].slots = slots((0, 8191, first, b"a"), (8192, 16383, second, b"b"))
        told[1].slots = told[0].slots
        told[0].nodes = told[1].nodes = nodes((b"a", 1), (b"b", 1))

        async with RedisCache(url) as cache:
            # `a` is in the slot 15495, and goes over to the first; the second has not heard of it.
            told[0].slots = slots((0, 16383, first, b"a"))
            told[0].nodes = nodes((b"a", 9), (b"b", 1))
            await cache._calls.mode._topology.refresh()
            assert await cache.get("a") == 1
            assert (gets(speakers[0]), gets(speakers[1])) == (1, 0)


async def test_nodes_that_tell_nothing() -> None:
    """None of the seeds knows the slots: the error lists what each of them said."""
    async with two_nodes() as (told, _, url):
        for one in told:
            one.slots = b"-LOADING wait\r\n"

        with pytest.raises(ConnectionError, match="no node of the Cluster tells") as caught:
            await RedisCache(url, deadline=2).connect()

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)


async def test_a_seed_that_is_away() -> None:
    """The next one is asked."""
    async with two_nodes() as (_told, speakers, url):
        away = url.replace(str(speakers[0].address[1]), "1", 1)
        async with RedisCache(away) as cache:
            assert await cache.get("k") == 1


async def test_a_slot_that_nobody_has() -> None:
    """The map is read again for it, once; then it is an error that names the slot."""
    async with two_nodes() as (told, speakers, url):
        for one in told:
            one.slots = slots((0, 7628, speakers[0].address[1], b"a"))

        async with RedisCache(url) as cache:
            cache._calls.mode.note_large("k")

            with pytest.raises(ConnectionError, match="7629"):
                await cache.get("k")


async def test_ask_leads_to_a_node_without_slots() -> None:
    """A new node that imports its first slot is used by all, over one link, and nobody looks again for it."""
    async with two_nodes() as (told, speakers, url):
        told[0].value = lambda _command: b"-ASK 7629 127.0.0.1:%d\r\n" % speakers[1].address[1]

        async with RedisCache(url, deadline=2) as cache:
            connected, looks = speakers[1].connected, looked(speakers[0])

            for _ in range(10):
                assert await asyncio.gather(*(cache.get("k") for _ in range(20))) == [1] * 20

            assert speakers[1].connected == connected + 1
            assert looked(speakers[0]) <= looks + 2
            # Nor is it left in the looks that come.
            await cache._calls.mode._topology.refresh()
            assert await cache.get("k") == 1
            assert speakers[1].connected == connected + 1


@pytest.mark.slow
async def test_a_key_on_its_way_for_ever() -> None:
    """TRYAGAIN is tried again, in peace, until the deadline; nothing was applied by then."""
    async with two_nodes() as (told, speakers, url):
        told[0].value = lambda _command: b"-TRYAGAIN later\r\n"

        async with RedisCache(url, deadline=0.3) as cache:
            for call, outcome in ((cache.get("k"), "not_applied"), (cache.set("k", 1), None)):
                with pytest.raises(TimeoutError) as caught:
                    await call

                assert outcome in (caught.value.outcome, None)

        sent = [command for command in speakers[0].heard if command[0] in (b"GET", b"SET")]
        assert 10 < len(sent) < 40


@pytest.mark.slow
async def test_two_nodes_that_send_to_each_other() -> None:
    """A request that is sent from node to node ends by its deadline, and is no storm until then."""
    async with two_nodes() as (told, speakers, url):
        ports = [speaker.address[1] for speaker in speakers]
        told[0].value = lambda _command: b"-MOVED 7629 127.0.0.1:%d\r\n" % ports[1]
        told[1].value = lambda _command: b"-MOVED 7629 127.0.0.1:%d\r\n" % ports[0]

        async with RedisCache(url, deadline=1.0) as cache:
            with pytest.raises(TimeoutError):
                await cache.get("k")

        # With pauses that grow it is 23 times; a busy machine makes it fewer.
        assert 4 < gets(speakers[0]) + gets(speakers[1]) < 36


async def test_disconnect_while_the_slots_are_looked_for() -> None:
    """Who waits for the look is told that it was `disconnect`; nobody cancelled him."""
    async with two_nodes() as (told, speakers, url):
        for one in told:
            one.slots = slots((0, 7628, speakers[0].address[1], b"a"))

        cache = RedisCache(url)
        await cache.connect()

        for one in told:
            # It answers nothing more.
            one.slots = b""

        call = asyncio.create_task(cache.get("k"))
        asked = looked(speakers[0])
        await until(lambda: looked(speakers[0]) > asked, 2)
        closing = asyncio.create_task(cache.disconnect())
        await asyncio.sleep(0)
        # At once: a node that is out of step cannot be drained.
        closing.cancel()

        with pytest.raises(ConnectionError, match=r"disconnect\(\) was called") as caught:
            await call

        assert (caught.value.operation, caught.value.outcome) == ("get", "not_applied")


async def test_disconnect_in_the_turn_of_a_redirection() -> None:
    """What would have gone on to another node ends: no connection is made after the end."""
    async with two_nodes() as (told, speakers, url):
        told[0].value = lambda _command: b""
        cache = RedisCache(url)
        await cache.connect()
        connected = speakers[1].connected
        call = asyncio.create_task(cache.get("k"))
        await until(lambda: gets(speakers[0]), 2)
        link = cache._calls.mode._topology.nodes[0].main.link
        link.data_received(b"-MOVED 7629 127.0.0.1:%d\r\n" % speakers[1].address[1])
        # As disconnect does in the end, before the call has run.
        cache._abort()

        with pytest.raises(ConnectionError, match=r"disconnect\(\) was called"):
            await call

        assert speakers[1].connected == connected
        await cache.disconnect()


async def test_a_server_that_is_no_cluster(valkey: Endpoint) -> None:
    """It says so itself; the error tells which URL is right."""
    cache = RedisCache(f"redis+cluster://{valkey.host}:{valkey.port}")

    with pytest.raises(ConfigurationError, match=r"it is no Cluster; say redis://"):
        await cache.connect()
