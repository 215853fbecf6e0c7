"""What a proxy does to the bytes: late, in pieces, not at all, too few, wrong."""

from __future__ import annotations

import asyncio
import time

import pytest

from infrastructure.testing import ChaosProxy
from infrastructure.testing._faults import Direction, Ending

from .peers import Client, Seen, nothing_left, server_of, until

__all__ = ["nothing_left"]

pytestmark = pytest.mark.usefixtures("nothing_left")

BOTH: tuple[Direction, ...] = ("to_server", "to_client")
QUESTIONS = (b"who", b"is", b"there", b"now?")
WHOLE = b"".join(QUESTIONS)


@pytest.mark.parametrize("direction", ["to_server", "to_client", "both"])
async def test_a_black_hole_forwards_nothing_and_loses_nothing(direction: Direction) -> None:
    """In its direction only; what was held back comes after heal, for late connections too."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            await client.ask(b"x")
            proxy.black_hole(direction)

            with await Client.open(proxy.port) as late:
                for each in (client, late):
                    await each.send(b"lost?")
                    each.finish()

                if direction == "to_client":
                    await until(lambda: [bytes(one.data) for one in seen] == [b"xlost?", b"lost?"])
                else:
                    await asyncio.sleep(0.02)
                    assert bytes(seen[0].data) == b"x"

                assert (proxy.open, proxy.bytes_to_client) == (2, 1)
                proxy.heal()

                for each in (client, late):
                    assert await each.rest() == (b"lost?", "cut")


@pytest.mark.parametrize("direction", BOTH)
async def test_a_delay_keeps_the_order_and_the_bytes(direction: Direction) -> None:
    """Each piece is late by so much, the end too; many are on their way at once."""
    async with server_of() as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            proxy.delay(0.04, direction)
            begun, sent = time.monotonic(), b""

            for number in range(50):
                await client.send(b"%02d " % number)
                sent += b"%02d " % number
                await asyncio.sleep(0)

            client.finish()
            assert await client.rest() == (sent, "cut")
            assert 0.04 <= time.monotonic() - begun < 1

            # Fifty one after another would take two seconds.


async def test_a_delay_that_ends_lets_go_of_what_it_held() -> None:
    """At once and in order; a heal does so too."""
    async with server_of() as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            for end in (proxy.heal, lambda: proxy.delay(0)):
                proxy.delay(60, "to_client")
                await client.send(WHOLE)
                await until(lambda: proxy.bytes_to_server == proxy.bytes_to_client + len(WHOLE))
                end()
                assert await client.read(len(WHOLE)) == WHOLE


async def test_a_black_hole_holds_back_what_was_late_already() -> None:
    """Also when the delay ends before it does."""
    async with server_of() as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            proxy.delay(60, "to_client")
            await client.send(WHOLE)
            await until(lambda: proxy.bytes_to_server == len(WHOLE))
            await asyncio.sleep(0.01)
            proxy.black_hole("to_client")
            proxy.delay(0)
            await asyncio.sleep(0.01)
            assert proxy.bytes_to_client == 0
            proxy.heal()
            assert await client.read(len(WHOLE)) == WHOLE


@pytest.mark.parametrize("size", [1, 3])
async def test_splitting_gives_pieces(size: int) -> None:
    """None is longer, and together they are the whole."""
    async with server_of() as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            proxy.split(size, "to_client")
            await client.send(WHOLE)
            pieces = [await client.piece() for _ in range(-(-len(WHOLE) // size))]
            assert b"".join(pieces) == WHOLE
            assert max(map(len, pieces)) == size
            proxy.split(None)
            assert await client.ask(WHOLE) == WHOLE


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_truncation_at_every_byte_of_a_conversation(
    ending: Ending, direction: Direction
) -> None:
    """Exactly so many bytes arrive, then that connection ends, and the next one is whole."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        for after in range(len(WHOLE) + 1):
            proxy.truncate(after, direction, ending=ending, counting="next")
            got = await converse(proxy.port)
            await until(lambda: seen[-1].ended is not None)
            assert seen[-1].ended == ending
            arrived = bytes(seen[-1].data) if direction == "to_server" else got[0]
            assert (arrived, got[1]) == (WHOLE[:after], ending)

        with await Client.open(proxy.port) as client:
            assert await client.ask(WHOLE) == WHOLE


async def converse(port: int) -> tuple[bytes, str]:
    """Ask one question after another; return all that was answered and how it ended."""
    with await Client.open(port) as client:
        try:
            for question in QUESTIONS:
                if len(await client.ask(question)) < len(question):
                    break
        except ConnectionError:
            ended = "reset"
        else:
            _, ended = await client.rest()

        return bytes(client.received), ended


@pytest.mark.parametrize("direction", BOTH)
@pytest.mark.parametrize("after", [0, 1, 8])
async def test_truncation_from_now_on(direction: Direction, after: int) -> None:
    """Counts in each open connection for itself, and not in later ones."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as one, await Client.open(proxy.port) as two:
            await one.ask(b"one")
            await two.ask(b"two, longer")
            proxy.truncate(after, direction)

            for client in (one, two):
                if after:
                    await client.send(WHOLE)

                data, ended = await client.rest()
                assert ended == "cut"
                assert direction == "to_server" or data == WHOLE[:after]

            before = [b"one", b"two, longer"]
            wanted = [each + WHOLE[: after or 0] for each in before]
            await until(lambda: all(each.ended for each in seen))
            assert direction == "to_client" or [bytes(each.data) for each in seen] == wanted

        with await Client.open(proxy.port) as later:
            assert await later.ask(WHOLE) == WHOLE


@pytest.mark.parametrize("direction", BOTH)
async def test_one_bit_of_any_byte_can_be_flipped(direction: Direction) -> None:
    """That one and no other, on the way that was said."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        for at in range(len(WHOLE)):
            bit = at % 8
            proxy.flip(at, direction, bit=bit, counting="next")
            wanted = bytes(byte ^ (1 << bit) * (n == at) for n, byte in enumerate(WHOLE))

            with await Client.open(proxy.port) as client:
                proxy.split(1 + at % 3)
                answer = await client.ask(WHOLE)
                assert answer == wanted
                assert bytes(seen[-1].data) == (wanted if direction == "to_server" else WHOLE)
                assert await client.ask(WHOLE) == WHOLE


async def test_several_flips_from_now_on_and_a_heal() -> None:
    """They add up, they count from the call, and heal forgets those that were to come."""
    async with server_of() as (address, _), ChaosProxy(address) as proxy:
        with await Client.open(proxy.port) as client:
            await client.ask(b"aa")
            proxy.flip(0, "to_client")
            proxy.flip(2, "to_client", bit=1)
            assert await client.ask(b"aaa") == b"`ac"
            proxy.flip(1, "to_client")
            proxy.truncate(1, "to_client")
            proxy.truncate(0, "both", counting="next")
            proxy.heal()
            assert await client.ask(b"aaa") == b"aaa"

        with await Client.open(proxy.port) as client:
            assert await client.ask(b"aaa") == b"aaa"


async def test_faults_together() -> None:
    """Late, in pieces, one bit wrong, and cut in the end."""
    async with server_of() as (address, seen), ChaosProxy(address) as proxy:
        proxy.delay(0.01)
        proxy.split(2)
        proxy.flip(1, "to_client", counting="next")
        proxy.truncate(5, "to_client", counting="next")

        with await Client.open(proxy.port) as client:
            await client.send(b"abcdefgh")
            assert await client.rest() == (b"acc" + b"de", "cut")

        await until(lambda: ended(seen) == ["cut"])


def ended(seen: list[Seen]) -> list[str | None]:
    return [one.ended for one in seen]
