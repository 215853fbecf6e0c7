"""How a proxy ends connections and refuses them: orderly, by a reset, on one side only."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure.testing import ChaosProxy
from infrastructure.testing._faults import Direction, Ending

from .peers import Client, nothing_left, server_of, until

__all__ = ["nothing_left"]

pytestmark = pytest.mark.usefixtures("nothing_left")


async def test_it_forwards_and_counts() -> None:
    """Both ways, half-closed streams too, until both have ended."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            assert await client.ask(b"hello") == b"hello"
            assert (proxy.accepted, proxy.open) == (1, 1)
            await client.send(b"!")
            client.finish()
            assert await client.rest() == (b"!", "cut")
            await until(lambda: proxy.open == 0)

        assert (proxy.bytes_to_server, proxy.bytes_to_client) == (6, 6)
        assert (bytes(seen[0].data), seen[0].ended) == (b"hello!", "cut")


@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_open_connections_end_and_new_ones_work(ending: Ending) -> None:
    """Both peers see the same end, and at once; what had been answered is there."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        clients = [await Client.open(proxy.port) for _ in range(3)]

        for client in clients:
            assert await client.ask(b"x") == b"x"

        proxy.cut() if ending == "cut" else proxy.reset()

        for client in clients:
            assert await client.rest() == (b"", ending)
            client.close()

        await until(lambda: [one.ended for one in seen] == [ending] * 3)
        assert proxy.open == 0

        with await Client.open(proxy.port) as client:
            assert await client.ask(b"again") == b"again"


@pytest.mark.parametrize("direction", ["to_client", "to_server"])
@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_one_side_alone_may_be_told(ending: Ending, direction: Direction) -> None:
    """The other one is not answered any more, and reset when all is healed."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            assert await client.ask(b"x") == b"x"
            getattr(proxy, ending)(direction)

            if direction == "to_client":
                assert await client.rest() == (b"", ending)
                assert (proxy.open, seen[0].ended) == (1, None)
                proxy.heal()
                await until(lambda: seen[0].ended == "reset")
            else:
                await until(lambda: seen[0].ended == ending)
                await client.send(b"anybody?")
                await asyncio.sleep(0.02)
                assert (proxy.open, proxy.bytes_to_server) == (1, 1)
                proxy.heal()
                assert await client.rest() == (b"", "reset")

            await until(lambda: proxy.open == 0)


async def test_a_side_that_was_not_told_may_leave_by_itself() -> None:
    """Its connection is then closed without a heal."""
    async with server_of() as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            await client.ask(b"x")
            proxy.cut("to_server")
            client.finish()
            assert await client.rest() == (b"", "cut")
            await until(lambda: proxy.open == 0)


async def test_a_cut_is_orderly_though_the_proxy_has_not_read_everything() -> None:
    """The kernel would send a reset for what was not read."""
    async with server_of() as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            assert await client.ask(b"x") == b"x"
            proxy.black_hole()
            await client.send(b"never read" * 1000)
            proxy.cut()
            assert await client.rest() == (b"", "cut")


async def test_a_reset_of_one_peer_reaches_the_other() -> None:
    """A client that crashes looks so to the server."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            await client.ask(b"x")
            # Closing with unread bytes is a reset.
            await client.send(b"unread")
            await until(lambda: proxy.bytes_to_client == 7)

        await until(lambda: [one.ended for one in seen] == ["reset"])
        assert proxy.open == 0


async def test_a_late_end_finds_its_reader_gone() -> None:
    """A client that crashed a moment ago, before the proxy heard of it: healing is no error."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            assert await client.ask(b"x") == b"x"
            proxy.delay(60, "to_client")
            client.finish()
            await until(lambda: seen[0].ended == "cut")
            # The server's end is held here once the loop has read it.
            await asyncio.sleep(0.02)
            client.crash()
            proxy.heal()
            await until(lambda: proxy.open == 0)


async def test_refusing_keeps_the_port_and_the_open_connections() -> None:
    """After heal the same port accepts again; both may be repeated."""
    async with server_of() as (address, _), ChaosProxy(address) as proxy:
        port = proxy.port

        with await Client.open(port) as client:
            await client.ask(b"x")

            for _ in range(3):
                proxy.refuse()
                proxy.refuse()

                with pytest.raises(ConnectionRefusedError):
                    await Client.open(port)

                assert await client.ask(b"still here") == b"still here"
                proxy.heal()
                proxy.heal()

                with await Client.open(port) as other:
                    assert await other.ask(b"y") == b"y"

        assert (proxy.port, proxy.accepted) == (port, 4)


async def test_without_a_server_the_client_is_reset() -> None:
    """And the next one is served, once the server is there."""
    async with server_of() as (address, _):
        pass

    async with ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            assert await client.rest() == (b"", "reset")

        async with server_of() as (other, _):
            proxy.redirect(other)

            with await Client.open(proxy.port) as client:
                assert await client.ask(b"x") == b"x"
