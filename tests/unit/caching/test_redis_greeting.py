"""The first words on a link: what a server says instead of them, and when it hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest

from infrastructure.caching.redis._dial import Dialer, Ears, show
from infrastructure.caching.redis._link import Link
from infrastructure.interfaces.exceptions import ConfigurationError, ConnectionError

from ...servers.serving import serving
from ...servers.waiting import until

EARS = Ears(lost=lambda _link: None, silent=lambda _link: None, push=lambda _frame: None)
FULL = b"-ERR max number of clients reached\r\n"


@asynccontextmanager
async def saying(before: bytes, after: bytes = b"") -> AsyncIterator[tuple[str, int]]:
    """Give a server that says one thing before it is greeted, another after, and hangs up."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            writer.write(before)

            if after:
                await reader.read(65536)
                writer.write(after)

            await writer.drain()

    async with serving(listen) as address:
        yield address


async def refused(address: tuple[str, int]) -> Exception:
    """Return why no link could be made."""
    with pytest.raises((ConnectionError, ConfigurationError)) as caught:
        await Dialer(deadline=1).dial(address, EARS)

    assert caught.value.outcome in ("not_applied", None)
    return caught.value


@pytest.mark.parametrize(("before", "after"), [(FULL, b""), (b"", FULL), (FULL, FULL)])
async def test_a_full_server_is_quoted(before: bytes, after: bytes) -> None:
    """Whenever its words come: before ours, as the answer to them, or with the end."""
    async with saying(before, after) as address:
        error = await refused(address)

    assert isinstance(error, ConnectionError)
    assert error.retryable


async def test_who_hangs_up_without_a_word() -> None:
    """It is an outage, and nothing was applied."""
    async with saying(b"", b"\r\n") as address:
        assert isinstance(await refused(address), ConnectionError)


async def test_a_word_too_early() -> None:
    """One that came before the first of ours is the reason, though nobody asked for it."""
    async with saying(FULL) as address:
        link = Link("early", 1, lost=EARS.lost, silent=EARS.silent, push=EARS.push)
        await asyncio.get_running_loop().create_connection(lambda: link, *address)
        await until(lambda: link.error is not None)

        with pytest.raises(ConnectionError, match="maxclients"):
            await Dialer(deadline=1)._greet(link)


def test_addresses_are_shown() -> None:
    """As people write them."""
    assert show(("localhost", 6379)) == "localhost:6379"
    assert show("/run/redis.sock") == "/run/redis.sock"
