"""Partitions that come and go, and commits that fail."""

from __future__ import annotations

import asyncio
from typing import Any

from infrastructure.interfaces import ConnectionError, current_message
from infrastructure.messaging._batches import BatchSize

from .tiny_log import ONE, ZERO, Bench


class Blocker:
    """A handler whose calls end when they are told to."""

    def __init__(self) -> None:
        self.entered: list[Any] = []
        self.cancelled: list[Any] = []
        self.go = asyncio.Event()

    async def __call__(self, payload: Any) -> None:
        self.entered.append(payload)

        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(payload)
            raise


async def test_revoked_handlers_may_finish() -> None:
    """No new call starts, those that run end, what they finished is committed."""
    bench, blocker = Bench(), Blocker()
    await bench.subscribe(blocker)
    bench.engine.assigned([ZERO])
    bench.deliver(0, key="a")
    bench.deliver(1, key="b")
    bench.deliver(2, key="a")
    await bench.settle()
    revoking = asyncio.create_task(bench.engine.revoked([ZERO]))
    await bench.settle()
    assert not revoking.done()
    blocker.go.set()
    await bench.settle()
    assert revoking.done()
    assert (blocker.entered, blocker.cancelled) == ([0, 1], [])
    assert bench.log.committed == {ZERO: 2}
    bench.engine.close()


async def test_revoked_handlers_are_cancelled_after_the_grace() -> None:
    """The prefix that was finished by then is committed, and no more."""
    bench, blocker = Bench(grace=5.0), Blocker()
    await bench.subscribe(bench.handle)
    await bench.subscribe(blocker)
    bench.engine.assigned([ZERO])
    blocker.go.set()
    bench.deliver("finished")
    await bench.settle()
    blocker.go.clear()
    bench.deliver("running", "behind", key="k")
    await bench.settle()
    revoking = asyncio.create_task(bench.engine.revoked([ZERO]))
    await bench.clock.advance(4.9)
    assert not revoking.done()
    assert not blocker.cancelled
    await bench.clock.advance(0.2)
    assert revoking.done()
    assert blocker.cancelled == ["running"]
    assert bench.log.committed == {ZERO: 1}
    bench.engine.close()


async def test_lost_partitions_commit_nothing() -> None:
    """Running handlers are cancelled at once; finished messages that were not committed stay so."""
    bench, blocker = Bench(), Blocker()
    await bench.subscribe(bench.handle)
    await bench.subscribe(blocker)
    bench.engine.assigned([ZERO, ONE])
    bench.deliver("lost")
    bench.deliver("kept", partition=ONE)
    await bench.settle()
    bench.engine.lost([ZERO])
    await bench.settle()
    assert blocker.cancelled == ["lost"]
    blocker.go.set()
    await bench.clock.advance(1)
    assert bench.log.committed == {ONE: 1}
    assert not bench.log.dead
    bench.engine.close()


async def test_a_handler_that_swallows_its_cancellation_commits_nothing() -> None:
    """Its partition is lost: what it finishes afterwards counts no more."""
    bench = Bench()

    async def stubborn(payload: Any) -> None:
        bench.handled.append(payload)

        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            bench.handled.append("swallowed")

    await bench.subscribe(stubborn)
    bench.engine.assigned([ZERO])
    bench.deliver(1)
    await bench.settle()
    bench.engine.lost([ZERO])
    await bench.clock.advance(1)
    assert bench.handled == [1, "swallowed"]
    assert bench.log.committed == {}
    bench.engine.close()


async def test_a_lost_key_in_back_off_is_free_when_it_comes_again() -> None:
    """The repetition of the lost delivery does not hold back the new one."""
    bench = Bench()

    async def handler(payload: Any) -> None:
        bench.handled.append(payload)

        if len(bench.handled) == 1:
            raise ValueError

    await bench.subscribe(handler, backoff=(600.0, 600.0))
    bench.engine.assigned([ZERO])
    bench.deliver("a", key="k")
    await bench.settle()
    bench.engine.lost([ZERO])
    bench.engine.assigned([ZERO])
    bench.engine.deliver(ZERO, bench.log.records[ZERO])
    await bench.settle()
    assert bench.handled == ["a", "a"]
    bench.engine.close()


async def test_a_batch_across_partitions_survives_the_loss_of_one() -> None:
    """What is left of it joins a new batch, without an attempt counted."""
    bench, blocker = Bench(), Blocker()
    attempts: list[int] = []

    async def handler(payloads: list[Any]) -> None:
        bench.handled.append(payloads)
        await blocker(payloads)
        attempts.append(current_message().attempt)

    await bench.subscribe(handler, batch=BatchSize(2, 1.0))
    bench.engine.assigned([ZERO, ONE])
    bench.deliver("lost", key="a")
    bench.deliver("kept", key="b", partition=ONE)
    await bench.settle()
    bench.engine.lost([ZERO])
    await bench.settle()
    blocker.go.set()
    await bench.clock.advance(2)
    assert bench.handled == [["lost", "kept"], ["kept"]]
    assert attempts == [1]
    assert bench.log.committed == {ONE: 1}
    bench.engine.close()


async def test_failing_commits_are_repeated_and_bound_the_windows() -> None:
    """While they fail at most one further window is started; afterwards everything goes on."""
    bench = Bench()
    await bench.subscribe(bench.handle, window=10)
    bench.engine.assigned([ZERO])
    bench.log.error = ConnectionError("down")
    bench.deliver(*range(10))
    await bench.clock.advance(0.3)
    assert len(bench.handled) == 10
    assert bench.engine.room(ZERO)[0] == 10
    bench.deliver(*range(10))
    await bench.settle()
    assert len(bench.handled) == 20
    assert bench.engine.room(ZERO)[0] == 0
    assert ZERO in bench.log.paused
    bench.log.error = None
    await bench.clock.advance(60)
    assert bench.log.committed == {ZERO: 20}
    assert bench.engine.room(ZERO)[0] == 10
    assert ZERO not in bench.log.paused
    bench.engine.close()


async def test_a_commit_that_failed_is_not_repeated_for_a_lost_partition() -> None:
    """What is no longer ours is not committed later."""
    bench = Bench()
    await bench.subscribe(bench.handle)
    bench.engine.assigned([ZERO])
    bench.log.error = ConnectionError("down")
    bench.deliver(1)
    await bench.clock.advance(0.3)
    bench.engine.lost([ZERO])
    bench.log.error = None
    await bench.clock.advance(60)
    assert bench.log.committed == {}
    bench.engine.close()


async def test_what_failed_is_committed_when_the_log_answers() -> None:
    """However long it would be until the next try; where nothing failed, or a try is under way, none is made."""
    bench = Bench()
    await bench.subscribe(bench.handle)
    bench.engine.assigned([ZERO])
    bench.log.error = ConnectionError("down")
    bench.deliver(1)
    await bench.clock.advance(10)
    bench.log.error = None
    bench.engine.answered()
    bench.engine.answered()
    await bench.settle()
    assert bench.log.committed == {ZERO: 1}
    bench.deliver(2)
    await bench.settle()
    bench.engine.answered()
    await bench.settle()
    assert bench.log.committed == {ZERO: 1}
    await bench.clock.advance(0.3)
    assert bench.log.committed == {ZERO: 2}
    bench.engine.close()


async def test_a_partition_that_comes_back_waits_for_its_last_call() -> None:
    """``order="partition"``: also where that takes its time to end."""
    bench, last = Bench(), asyncio.Event()
    running: list[str] = []

    async def handler(payload: Any) -> None:
        running.append(payload)

        try:
            await asyncio.Event().wait()
        finally:
            await last.wait()
            running.remove(payload)

    await bench.subscribe(handler, order="partition")
    bench.engine.assigned([ZERO])
    bench.deliver("a")
    await bench.settle()
    bench.engine.lost([ZERO])
    bench.engine.assigned([ZERO])
    bench.deliver("b")
    await bench.settle()
    assert running == ["a"]
    last.set()
    await bench.settle()
    assert running == ["b"]
    bench.engine.close()
    await bench.settle()


async def test_a_partition_without_a_handler_has_no_room() -> None:
    """Whoever subscribes later would commit past what nobody has handled."""
    bench = Bench()
    bench.engine.assigned([ZERO])
    assert bench.engine.room(ZERO)[0] == 0
    bench.deliver("before")
    await bench.subscribe(bench.handle)
    bench.deliver("behind")
    await bench.clock.advance(1)
    assert (bench.handled, bench.log.committed) == ([], {})
    await bench.engine.revoked([ZERO])
    bench.engine.assigned([ZERO])
    bench.engine.deliver(ZERO, bench.log.records[ZERO])
    await bench.clock.advance(1)
    assert bench.handled == ["before", "behind"]
    assert bench.log.committed == {ZERO: 2}
    bench.engine.close()


async def test_a_full_window_pauses_its_partition_alone() -> None:
    """The share of each partition is its own; half empty it is resumed."""
    bench, blocker = Bench(), Blocker()
    await bench.subscribe(blocker, window=8)
    bench.engine.assigned([ZERO, ONE])
    bench.deliver(*range(4))
    bench.deliver("one", partition=ONE)
    await bench.settle()
    assert bench.log.paused == {ZERO}
    assert (bench.engine.room(ZERO)[0], bench.engine.room(ONE)[0]) == (0, 3)
    blocker.go.set()
    await bench.settle()
    assert bench.log.paused == set()
    bench.engine.close()


async def test_a_window_is_bounded_by_bytes_too() -> None:
    """Records of 10 bytes fill 25 bytes with the third."""
    bench, blocker = Bench(), Blocker()
    await bench.subscribe(blocker, window_bytes=25)
    bench.engine.assigned([ZERO])
    bench.deliver(1, 2)
    assert bench.log.paused == set()
    bench.deliver(3)
    assert bench.log.paused == {ZERO}
    await bench.settle()
    bench.engine.close()


async def test_a_window_holds_two_batches_at_least() -> None:
    """However small window= is, and however many partitions share it."""
    bench = Bench()
    await bench.subscribe(bench.handle, batch=BatchSize(50, 1.0), window=10)
    bench.engine.assigned([ZERO, ONE])
    assert bench.engine.room(ZERO)[0] == 100
    bench.engine.close()


async def test_records_of_a_partition_that_is_not_ours_are_dropped() -> None:
    """What was on its way when the partition went is not handled."""
    bench = Bench()
    await bench.subscribe(bench.handle)
    bench.deliver("never assigned")
    bench.engine.assigned([ZERO])
    await bench.engine.revoked([ZERO])
    bench.deliver("revoked")
    await bench.settle()
    assert bench.handled == []
    bench.engine.close()


async def test_the_dead_letter_topic_is_made_by_subscribe() -> None:
    """Before the handler is added; where there are no dead letters none is made."""
    bench = Bench()
    await bench.subscribe(bench.handle)
    await bench.subscribe(Blocker(), dead_letters=False)
    assert bench.log.made == [("t.dlq", "t")]
    bench.engine.close()
