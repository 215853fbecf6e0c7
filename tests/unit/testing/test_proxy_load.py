"""A proxy under load: many connections, slow readers, big transfers, a sudden end."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from infrastructure.testing import ChaosProxy, every_cancellation
from infrastructure.testing.cancellation import CancellationOutcome

from .peers import Client, Seen, nothing_left, server_of, until

__all__ = ["nothing_left"]

pytestmark = pytest.mark.usefixtures("nothing_left")

MIB = 2**20
CHUNK = bytes(range(256)) * 256


class Source(asyncio.Protocol):
    """Sends ``CHUNK`` again and again as fast as it may, 32 MiB in all, once it is asked."""

    left = 32 * MIB // len(CHUNK)

    def __init__(self, seen: list[Seen]) -> None:
        self.seen = Seen()
        seen.append(self.seen)
        self.may_write = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, _data: bytes) -> None:
        self.send()

    def pause_writing(self) -> None:
        self.may_write = False

    def resume_writing(self) -> None:
        self.may_write = True
        asyncio.get_running_loop().call_soon(self.send)

    def send(self) -> None:
        while self.left and self.may_write and not self.transport.is_closing():
            self.left -= 1
            self.transport.write(CHUNK)

        if not self.left:
            self.transport.write_eof()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.seen.ended = "lost"


def late(proxy: ChaosProxy) -> None:
    proxy.delay(0.01)


def pieces(proxy: ChaosProxy) -> None:
    proxy.split(100_000)


def nothing(_proxy: ChaosProxy) -> None: ...


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "most"), [(nothing, 3), (late, 14), (pieces, 14)])
async def test_memory_is_bounded_however_slow_the_reader_is(
    fault: Callable[[ChaosProxy], None], most: int
) -> None:
    """A sender of 32 MiB is held back; later all of it arrives, in order."""
    async with server_of(Source) as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            fault(proxy)
            tracemalloc.start()

            try:
                await client.send(b"go")
                await settled(proxy)
                assert proxy.bytes_to_client < 24 * MIB
                found = hashlib.sha256()

                while piece := await client.piece():
                    found.update(piece)
                    client.received.clear()

                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

            assert found.digest() == hashlib.sha256(CHUNK * (32 * MIB // len(CHUNK))).digest()
            assert peak < most * MIB


async def settled(proxy: ChaosProxy) -> None:
    """Return when nothing has moved for a while."""
    before = -1

    while before != proxy.bytes_to_client or not before:
        before = proxy.bytes_to_client
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_delay_holds_so_many_bytes_and_no_more() -> None:
    """Then the sender waits: the throughput is bounded by that only."""
    async with server_of(Source) as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            proxy.delay(60, "to_client")
            tracemalloc.start()

            try:
                await client.send(b"go")
                await until(lambda: tracemalloc.get_traced_memory()[0] > 8 * MIB)
                await asyncio.sleep(0.05)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

            assert 8 * MIB < peak < 14 * MIB
            proxy.heal()

            while await client.piece():
                client.received.clear()

            assert proxy.bytes_to_client == 32 * MIB


@pytest.mark.parametrize(
    "end", [lambda proxy: proxy.cut(), lambda proxy: proxy.truncate(0, "to_client")]
)
async def test_what_was_forwarded_before_the_end_reaches_a_slow_reader(
    end: Callable[[ChaosProxy], None],
) -> None:
    """Exactly so much, though the client begins to read long after."""
    async with server_of(Source) as (address, seen), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            await client.send(b"go")
            await settled(proxy)
            end(proxy)
            data, ended = await client.rest()
            assert (len(data), ended) == (proxy.bytes_to_client, "cut")

        await until(lambda: all(one.ended for one in seen))


@pytest.mark.slow
async def test_a_hundred_connections_at_once() -> None:
    """Each has its own bytes, in spite of delay and pieces."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        proxy.delay(0.005)
        proxy.split(7)

        async def talk(number: int) -> None:
            with await Client.open(proxy.port) as client:
                for turn in range(5):
                    message = f"client {number} turn {turn}".encode()
                    assert await client.ask(message) == message

                client.finish()
                assert await client.rest() == (b"", "cut")

        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(talk(number))

        await until(lambda: proxy.open == 0)
        assert proxy.accepted == len(seen) == 100


async def test_a_server_on_a_unix_socket(tmp_path: Path) -> None:
    """Its path is the target."""
    path = tmp_path / "socket"

    async with server_of(path=path) as (_, seen), ChaosProxy(path) as proxy:
        with await Client.open(proxy.port) as client:
            assert await client.ask(b"hello") == b"hello"
            proxy.reset()
            assert await client.rest() == (b"", "reset")

        await until(lambda: seen[0].ended is not None)


async def test_leaving_ends_everything_in_any_state() -> None:
    """Black-holed, delayed, unread, half-open or about to connect: no peer waits."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        clients = [await Client.open(proxy.port) for _ in range(4)]
        await clients[0].ask(b"x")
        proxy.cut("to_server")
        await clients[1].send(CHUNK)
        proxy.black_hole()
        proxy.delay(60)
        await clients[2].send(b"x")
        clients.append(await Client.open(proxy.port))
        leaving = asyncio.ensure_future(proxy.__aexit__(None, None, None))
        await leaving
        assert proxy.open == 0

        for client in clients:
            assert (await client.rest())[1] in ("cut", "reset")
            client.close()

        await until(lambda: all(one.ended for one in seen))


async def test_it_may_be_entered_again_on_the_same_port() -> None:
    """Counters go on; a refusal does not."""
    async with server_of() as (address, _):
        proxy = ChaosProxy(address)

        for turn in (1, 2):
            async with proxy:
                port = proxy.port

                with await Client.open(port) as client:
                    assert await client.ask(b"x") == b"x"

                proxy.refuse()

            assert (proxy.port, proxy.accepted, proxy.open) == (port, turn, 0)


async def test_a_cancellation_anywhere_leaves_nothing() -> None:
    """Cancelled at each suspension, before there is an answer and when it is there."""
    async with server_of() as (address, _):

        async def whole() -> None:
            async with ChaosProxy(address) as proxy:
                with await Client.open(proxy.port) as client:
                    assert await client.ask(b"x") == b"x"

        async def after(outcome: CancellationOutcome) -> None:
            assert not outcome.swallowed
            assert outcome.error is None

        assert len(await every_cancellation(whole, after=after)) > 6
