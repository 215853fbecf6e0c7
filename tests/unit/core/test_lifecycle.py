"""One state machine connects and disconnects every backend, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import ClassVar

import pytest

from infrastructure._core.lifecycle import Lifecycle
from infrastructure.interfaces import (
    ConfigurationError,
    ConnectionError,
    TimeoutError,
    ValidationError,
    deadline,
)
from infrastructure.testing.cancellation import PHASES, cancel_at


class Backend(Lifecycle):
    """Notes what it is told to do; opens and closes when the test lets it."""

    _default_deadline: ClassVar[float | None] = 30.0
    _close_within = 0.05

    def __init__(self, *, deadline: float | None = None) -> None:
        super().__init__(deadline=deadline)
        self.calls: list[str] = []
        self.opens = asyncio.Event()
        self.closes = asyncio.Event()
        self.error: Exception | None = None
        self.opens.set()
        self.closes.set()

    async def _open(self) -> None:
        self.calls.append("open")
        await self.opens.wait()

        if self.error is not None:
            raise self.error

    async def _close(self) -> None:
        self.calls.append("close")
        await self.closes.wait()

        if self.error is not None:
            raise self.error

    def _abort(self) -> None:
        self.calls.append("abort")

    def use(self) -> None:
        self._check("use")


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_it_connects_and_disconnects_once() -> None:
    """However often it is told to; repr and errors show the state."""
    backend = Backend()
    assert repr(backend) == "<Backend closed>"

    with pytest.raises(ConnectionError, match="use: Backend is not connected; call connect"):
        backend.use()

    await backend.disconnect()
    await backend.connect()
    await backend.connect()
    backend.use()
    assert repr(backend) == "<Backend connected>"
    await backend.disconnect()
    await backend.disconnect()
    assert backend.calls == ["open", "close", "abort"]

    with pytest.raises(ConnectionError, match="was closed by disconnect"):
        backend.use()


async def test_lifecycles_share_one_attempt() -> None:
    """Cancelling one caller leaves it to the others."""
    backend = Backend()
    backend.opens.clear()
    callers = [asyncio.create_task(backend.connect()) for _ in range(3)]
    await turns()
    assert repr(backend) == "<Backend connecting>"
    callers[0].cancel()
    await turns()
    backend.opens.set()
    assert await asyncio.gather(*callers[1:]) == [None, None]
    assert callers[0].cancelled()
    assert backend.calls == ["open"]
    await backend.disconnect()


async def test_a_failed_connect_leaves_nothing() -> None:
    """All callers get the error; the next attempt is a fresh one."""
    backend = Backend()
    backend.error = LookupError("no server")
    answers = await asyncio.gather(backend.connect(), backend.connect(), return_exceptions=True)
    assert [type(answer) for answer in answers] == [LookupError] * 2
    assert backend.calls == ["open", "abort"]
    assert repr(backend) == "<Backend closed>"
    backend.error = None
    await backend.connect()
    backend.use()
    await backend.disconnect()


async def test_the_last_caller_takes_the_attempt_along() -> None:
    """When nobody waits for it, it is cancelled; a new caller does not join what is ending."""
    backend = Backend()
    backend.opens.clear()
    callers = [asyncio.create_task(backend.connect()) for _ in range(2)]
    await turns()

    for caller in callers:
        caller.cancel()

    await asyncio.wait(callers)
    backend.opens.set()
    await backend.connect()
    assert backend.calls == ["open", "abort", "open"]
    await backend.disconnect()


async def test_a_connection_that_nobody_was_told_of_is_closed() -> None:
    """The cancellation came together with the answer: an `async with` would have no exit."""
    backend = Backend()

    for phase in PHASES:
        outcome = await cancel_at(backend.connect, 0, phase)
        assert (outcome.reached, outcome.swallowed) == (True, False)
        await turns()
        assert repr(backend) == "<Backend closed>"

    assert backend.calls == ["open", "abort"] * 2
    await backend.connect()
    await backend.disconnect()


@pytest.mark.parametrize("waits", [True, False])
async def test_a_connection_is_kept_for_those_who_were_told_of_it(waits: bool) -> None:
    """Another caller that waited for it too, or one that found it there just before."""
    backend = Backend()
    other = asyncio.create_task(backend.connect()) if waits else None
    cancelled = asyncio.create_task(cancel_at(backend.connect, 0, "ready"))

    while repr(backend) != "<Backend connected>":  # noqa: ASYNC110 - the very turn matters
        await asyncio.sleep(0)

    await (other or backend.connect())
    assert (await cancelled).reached
    backend.use()
    assert backend.calls == ["open"]
    await backend.disconnect()


async def test_connect_ends_by_its_deadline() -> None:
    """Nothing goes on behind it."""
    backend = Backend(deadline=0.01)
    backend.opens.clear()

    with pytest.raises(
        TimeoutError, match="connect: the deadline passed before Backend answered"
    ) as caught:
        await backend.connect()

    assert caught.value.outcome == "not_applied"
    await turns()
    assert backend.calls == ["open", "abort"]

    with deadline(1e-9), pytest.raises(TimeoutError):
        await backend.connect()


async def test_disconnect_ends_a_connect_under_way() -> None:
    """Whoever waits for it is told why."""
    backend = Backend()
    backend.opens.clear()
    caller = asyncio.create_task(backend.connect())
    await turns()
    await backend.disconnect()

    with pytest.raises(ConnectionError, match=r"disconnect\(\) was called while"):
        await caller

    assert backend.calls == ["open", "abort"]


async def test_connect_waits_for_a_disconnect_under_way() -> None:
    """And then starts afresh."""
    backend = Backend()
    backend.closes.clear()
    await backend.connect()
    closing = [asyncio.create_task(backend.disconnect()) for _ in range(2)]
    await turns()
    opening = asyncio.create_task(backend.connect())
    await turns()
    assert not opening.done()

    with pytest.raises(ConnectionError, match="closed by disconnect"):
        backend.use()

    backend.closes.set()
    await asyncio.gather(opening, *closing)
    backend.use()
    assert backend.calls == ["open", "close", "abort", "open"]
    await backend.disconnect()


async def test_a_close_that_hangs_is_forced(caplog: pytest.LogCaptureFixture) -> None:
    """After its time; one that fails is logged."""
    backend = Backend()
    backend.closes.clear()
    await backend.connect()

    with caplog.at_level(logging.WARNING, logger="infrastructure"):
        await backend.disconnect()
        assert "Backend did not close within 0.05 s and was forced" in caplog.text
        backend.closes.set()
        await backend.connect()
        backend.error = LookupError("half closed")
        await backend.disconnect()
        assert "Backend did not close cleanly" in caplog.text

    assert backend.calls[-2:] == ["close", "abort"]


async def test_cancelling_disconnect_forces_it() -> None:
    """The cancellation comes out at once, the backend is let go of."""
    backend = Backend()
    backend._close_within = 60
    backend.closes.clear()
    await backend.connect()
    closing = asyncio.create_task(backend.disconnect())
    await turns()
    closing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await closing

    await turns()
    assert backend.calls == ["open", "close", "abort"]
    await backend.connect()
    backend.closes.set()
    await backend.disconnect()


async def test_cancelling_disconnect_forces_a_connection_that_is_just_there() -> None:
    """The connect that it ends has succeeded in the same turn of the loop."""
    backend, loop = Backend(), asyncio.get_running_loop()
    backend.opens.clear()
    connecting = asyncio.create_task(backend.connect())
    await turns()
    # Its last step is the next callback, and disconnect begins right behind it.
    backend.opens.set()
    disconnecting = asyncio.create_task(backend.disconnect())
    loop.call_soon(disconnecting.cancel)
    await asyncio.wait({connecting, disconnecting})
    assert disconnecting.cancelled()
    assert backend.calls == ["open", "abort"]
    assert "connected" not in repr(backend)


async def test_use_after_the_deadline_is_refused() -> None:
    """Before anything is done."""
    backend = Backend()
    await backend.connect()

    with deadline(1e-9), pytest.raises(TimeoutError, match="use: the deadline"):
        backend.use()

    await backend.disconnect()


def test_a_bad_deadline_is_refused() -> None:
    """A number of seconds, more than none."""
    for bad in (0, -1, float("nan"), float("inf"), "5", True):
        with pytest.raises(ValidationError, match="deadline="):
            Backend(deadline=bad)  # type: ignore[arg-type]


def test_it_belongs_to_its_loop() -> None:
    """Use and connect elsewhere are refused while it is open; afterwards it is adopted."""
    backend = Backend()

    async def elsewhere() -> None:
        for call in (backend.connect, backend.disconnect):
            with pytest.raises(ConfigurationError, match="another event loop that is still open"):
                await call()

        with pytest.raises(ConfigurationError, match=r"make one instance for each event loop$"):
            backend.use()

    async def first() -> None:
        await backend.connect()
        await asyncio.to_thread(asyncio.run, elsewhere())

    async def second() -> None:
        with pytest.raises(
            ConfigurationError, match=r"connected in another event loop.* or call connect"
        ):
            backend.use()

        await backend.connect()
        backend.use()
        await backend.disconnect()

    asyncio.run(first())
    backend.calls.clear()
    asyncio.run(second())
    assert backend.calls == ["abort", "open", "close", "abort"]


def test_a_forked_child_may_not_use_it() -> None:
    """Not even one that was forked by a callback of the loop, and goes on in it."""
    backend = Backend()

    def use() -> None:
        with pytest.raises(ConfigurationError, match="connected in another process"):
            backend.use()

    async def parent() -> None:
        await backend.connect()
        assert _exit_of_child(use) == 0
        backend.use()

    asyncio.run(parent())


def test_a_forked_child_adopts_it() -> None:
    """What the parent connected is let go of there, and connected anew."""
    backend = Backend()

    async def child() -> None:
        backend.calls.clear()
        await backend.connect()
        assert backend.calls == ["abort", "open"]
        backend.use()

    with asyncio.Runner() as runner:
        runner.run(backend.connect())
        assert _exit_of_child(lambda: asyncio.new_event_loop().run_until_complete(child())) == 0
        runner.run(backend.disconnect())

    assert backend.calls == ["open", "close", "abort"]


def _exit_of_child(run: Callable[[], object]) -> int:
    """Fork, ``run`` in the child, return 0 when it raised nothing."""
    if not (child := os.fork()):
        try:
            run()
        except BaseException as exc:  # noqa: BLE001 - it must not run the parent's cleanup
            os.write(2, repr(exc).encode())
            os._exit(1)

        os._exit(0)

    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
