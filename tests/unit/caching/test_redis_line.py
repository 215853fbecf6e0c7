"""A line: one attempt for all who need a link, the next one beside it or after a pause, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from infrastructure.caching.redis import _line
from infrastructure.caching.redis._dial import Dialer
from infrastructure.caching.redis._line import Line
from infrastructure.caching.redis._link import Link
from infrastructure.caching.redis._signals import Lost, NotSent
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import ConfigurationError, ConnectionError
from infrastructure.testing import ChaosProxy

from ...servers.serving import serving
from ...servers.waiting import until
from .speaker import Speaker, speaking


class Listening:
    """Counts what a line tells."""

    def __init__(self) -> None:
        self.losses = self.silences = 0
        self.frames: list[Any] = []

    def pushed(self, frame: list[Any], /) -> None:
        """Keep it."""
        self.frames.append(frame)

    def lost(self) -> None:
        """Count it."""
        self.losses += 1

    def silent(self) -> None:
        """Count it."""
        self.silences += 1


@asynccontextmanager
async def lined(bridge: float = 2.0) -> AsyncIterator[tuple[Line, ChaosProxy, Speaker]]:
    """Give a line without a link yet, the proxy before its server, and the server."""
    async with (
        speaking(lambda _command: b"+OK\r\n") as server,
        ChaosProxy(server.address) as proxy,
    ):
        line = Line((proxy.host, proxy.port), Dialer(deadline=5), Listening(), bridge)

        try:
            yield line, proxy, server
        finally:
            line.close()
            # Attempts that were cancelled end in a turn of their own.
            await asyncio.sleep(0.01)


async def lose(line: Line, proxy: ChaosProxy) -> None:
    """Break the link, and return when the line knows."""
    proxy.reset()

    await until(lambda: not (line.is_open), 2)


async def test_callers_share_an_attempt() -> None:
    """However many need a link, one connection is made; with one there is nothing to wait for."""
    async with lined() as (line, proxy, _):
        links = await asyncio.gather(*(line.ready() for _ in range(50)))
        assert len(set(links)) == 1
        assert await line.ready() is links[0]
        assert (proxy.accepted, line.made) == (1, 1)
        assert line.name == f"{proxy.host}:{proxy.port}"


async def test_cancelled_callers_end_no_attempt() -> None:
    """The connection is there for who comes after them."""
    async with lined() as (line, proxy, _):
        callers = [asyncio.create_task(line.ready()) for _ in range(3)]
        await asyncio.sleep(0)

        for caller in callers:
            caller.cancel()

        await line.ready()
        assert proxy.accepted == 1


async def test_the_first_refusal_where_there_never_was_a_link() -> None:
    """It is raised at once, to each caller an error of his own."""
    async with lined() as (line, proxy, _):
        proxy.refuse()
        watch = Stopwatch()
        errors = await asyncio.gather(*(line.ready() for _ in range(5)), return_exceptions=True)
        assert {type(error) for error in errors} == {ConnectionError}
        assert len({id(error) for error in errors}) == 5
        assert watch.taken < 0.2
        proxy.heal()
        await line.ready()


async def test_a_server_that_is_back_in_time() -> None:
    """After a loss callers wait: they get the link that could be made in the end."""
    async with lined() as (line, proxy, _):
        await line.ready()
        proxy.refuse()
        await lose(line, proxy)
        waiting = asyncio.create_task(line.ready())
        assert not (await asyncio.wait({waiting}, timeout=0.09))[0]
        proxy.heal()
        watch = Stopwatch()
        assert isinstance(await waiting, Link)
        assert watch.taken < 0.5
        assert line.made == 2


async def test_a_server_that_is_not_back_in_time() -> None:
    """When the bridge ends, those who wait get what the server says."""
    async with lined(bridge=0.15) as (line, proxy, _):
        await line.ready()
        proxy.refuse()
        before = Stopwatch()
        await lose(line, proxy)
        watch = Stopwatch()

        with pytest.raises(ConnectionError):
            await line.ready()

        # The bridge begins with the loss.
        assert before.passed >= 0.15
        assert watch.taken < 0.5


@pytest.mark.slow
async def test_attempts_grow_rarer() -> None:
    """However many wait, a server that hangs up is asked again after a pause that grows to 0.25 s."""
    async with lined(bridge=1.0) as (line, proxy, server):
        await line.ready()
        proxy.redirect(("127.0.0.1", 1))
        await lose(line, proxy)
        before = proxy.accepted
        results = await asyncio.gather(*(line.ready() for _ in range(20)), return_exceptions=True)
        assert {type(result) for result in results} == {ConnectionError}
        assert 4 <= proxy.accepted - before <= 20
        assert server.connected == 1


@pytest.mark.slow
async def test_another_attempt_beside_one_without_answer() -> None:
    """After half a second; the first that is answered is used, the other is given up."""
    async with lined() as (line, proxy, server):
        # The first connection alone: its answer never comes.
        proxy.black_hole("to_client")
        before = Stopwatch()
        waiting = asyncio.create_task(line.ready())

        await until(lambda: proxy.bytes_to_server > 0, 2)

        proxy.redirect(server.address)
        watch = Stopwatch()

        await until(lambda: not (proxy.accepted < 2), 2)

        assert before.passed >= 0.5
        assert watch.taken < 0.7
        proxy.heal()
        await waiting
        assert line.made == 1


@pytest.mark.slow
async def test_an_attempt_without_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends by itself, and says that nobody answered."""
    monkeypatch.setattr(_line, "_ATTEMPT", 0.2)

    async with lined() as (line, proxy, _):
        proxy.black_hole()

        with pytest.raises(ConnectionError, match=r"no answer within 0\.2 s") as caught:
            await line.ready()

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
        assert isinstance(caught.value.__cause__, TimeoutError)


async def test_a_wrong_setting_is_no_outage() -> None:
    """It is raised at once, in the bridge too: waiting mends nothing."""
    async with lined() as (line, proxy, _):
        await line.ready()

        async with serving(_forbid) as address:
            proxy.redirect(address)
            await lose(line, proxy)
            watch = Stopwatch()

            with pytest.raises(ConfigurationError, match="WRONGPASS"):
                await line.ready()

            assert watch.taken < 0.5


async def _forbid(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    writer.write(b"-WRONGPASS no\r\n" * 3)
    await writer.drain()


@pytest.mark.slow
async def test_a_silent_link_has_a_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server answers another connection, the silent one is given up, with all that it owes."""
    monkeypatch.setattr(_line, "_FROZEN", 0.0)

    async with lined() as (line, proxy, _):
        link = await line.ready()
        # One direction only, and open ones only: the answer of this link is lost.
        proxy.black_hole("to_client")
        future = link.send(("GET", "k"))

        await until(lambda: not (proxy.accepted < 2), 2)

        assert line._listener.silences == 1
        link._transport.pause_reading()
        proxy.heal()

        with pytest.raises(Lost) as lost:
            await future

        assert "another link" in str(lost.value.__cause__)
        assert line.link is not link
        assert line._listener.losses == 1, "what it would have reported is lost with it"


@pytest.mark.slow
async def test_a_silent_link_that_finds_its_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays, and its rival is closed."""
    monkeypatch.setattr(_line, "_FROZEN", 0.0)

    async with lined() as (line, proxy, _):
        link = await line.ready()
        proxy.black_hole("to_client")
        future = link.send(("GET", "k"))

        await until(lambda: not (proxy.accepted < 2), 2)

        proxy.heal()
        assert await future == b"OK"

        await until(lambda: not (proxy.open > 1), 2)

        assert line.link is link
        assert line.made == 1


async def test_drained() -> None:
    """What was sent is answered by then; without a link, and on one that breaks, there is nothing."""
    async with lined() as (line, proxy, server):
        await line.drained()
        link = await line.ready()
        await line.drained()
        proxy.delay(0.02)
        future = link.send(("GET", "k"))
        assert line.is_busy
        await line.drained()
        assert future.done()
        assert [command[0] for command in server.heard] == [b"GET", b"PING"]
        future = link.send(("GET", "k"))
        proxy.reset()
        await line.drained()
        assert isinstance(future.exception(), Lost)
        assert not line.is_busy


async def test_drained_of_a_full_link() -> None:
    """The question that shows it waits for room like any other request."""
    async with lined() as (line, proxy, _):
        link = await line.ready()
        proxy.black_hole()
        futures = [link.send(("GET", "k")) for _ in range(16_384)]
        drained = asyncio.create_task(line.drained())
        assert not (await asyncio.wait({drained}, timeout=0.02))[0]
        proxy.heal()
        await drained
        assert all(future.done() for future in futures)


async def test_close() -> None:
    """The link and every attempt end; who waits is told that nothing was sent."""
    async with lined() as (line, proxy, _):
        await line.ready()
        proxy.refuse()
        await lose(line, proxy)
        waiting = asyncio.create_task(line.ready())
        await asyncio.sleep(0.01)
        line.close()

        with pytest.raises(NotSent):
            await waiting

        with pytest.raises(NotSent):
            await line.ready()


async def test_close_is_a_loss_for_who_listens() -> None:
    """What the link would have reported of changed keys comes no more; without one there is none."""
    async with lined() as (line, _proxy, _):
        line.close()
        assert line._listener.losses == 0

    async with lined() as (line, _proxy, _):
        await line.ready()
        line.close()
        line.close()
        assert line._listener.losses == 1


async def test_close_during_an_attempt() -> None:
    """A connection that comes too late is closed."""
    async with lined() as (line, proxy, _):
        waiting = asyncio.create_task(line.ready())
        await asyncio.sleep(0)
        line.close()
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], NotSent)

        await until(lambda: not (proxy.open), 2)

        assert not line.is_open
