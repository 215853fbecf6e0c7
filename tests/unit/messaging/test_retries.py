"""The engine's repetitions, on a clock that the test moves."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.interfaces import ConnectionError, current_message
from infrastructure.messaging._batches import BatchSize

from .tiny_log import ONE, ZERO, Bench


async def test_back_off_doubles() -> None:
    """A message is repeated after 1 s, then after 2 s, then it is a dead letter."""
    bench, calls = Bench(), []

    async def handler(_: Any) -> None:
        calls.append(bench.clock.monotonic() - 1000)
        raise ValueError

    await bench.subscribe(handler)
    bench.engine.assigned([ZERO])
    bench.deliver("bad")
    await bench.clock.advance(10)
    assert calls == [0, 1, 3]
    assert [topic for topic, _ in bench.log.dead] == ["t.dlq"]
    assert bench.log.committed == {ZERO: 1}
    bench.engine.close()


@pytest.mark.parametrize(("attempts", "words"), [(1, "1 attempt"), (2, "2 attempts")])
async def test_a_dead_letter_is_logged_with_its_attempts(
    attempts: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In one line, and the error follows."""
    bench = Bench()

    async def handler(_: Any) -> None:
        raise ValueError

    await bench.subscribe(handler, attempts=attempts)
    bench.engine.assigned([ZERO])
    bench.deliver("bad")
    await bench.clock.advance(10)
    [told] = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert told.splitlines()[0].endswith(f"in t.dlq after {words}")
    bench.engine.close()


async def test_an_outage_is_logged_once_in_30_s(caplog: pytest.LogCaptureFixture) -> None:
    """However many messages wait for its end."""
    bench = Bench()

    async def handler(_: Any) -> None:
        msg = "nobody answers"
        raise ConnectionError(msg)

    await bench.subscribe(handler, backoff=(1.0, 1.0))
    bench.engine.assigned([ZERO])
    bench.deliver("one", "two", "three")
    await bench.clock.advance(29)
    warnings = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "an outage" in warnings[0]
    assert "ConnectionError: nobody answers" in warnings[0]
    await bench.clock.advance(2)
    assert sum(one.levelname == "WARNING" for one in caplog.records) == 2
    bench.engine.close()


async def test_a_key_in_back_off_holds_no_lane() -> None:
    """With one lane the other keys are handled at once, its own key waits."""
    bench = Bench()

    async def handler(payload: Any) -> None:
        if payload == "bad" and current_message().attempt == 1:
            raise ValueError

        bench.handled.append(payload)

    await bench.subscribe(handler, lanes=1)
    bench.engine.assigned([ZERO])
    bench.deliver("bad", "behind", key="a")
    bench.deliver("other", key="b")
    await bench.settle()
    assert bench.handled == ["other"]
    await bench.clock.advance(1)
    assert bench.handled == ["other", "bad", "behind"]
    bench.engine.close()


async def test_nothing_is_committed_past_an_unfinished_message() -> None:
    """The position stays before the message that is in back-off."""
    bench = Bench()

    async def handler(payload: Any) -> None:
        if payload == "bad" and current_message().attempt == 1:
            raise ValueError

    await bench.subscribe(handler, backoff=(5.0, 5.0))
    bench.engine.assigned([ZERO])
    bench.deliver("good", "bad", "good", "good")
    await bench.clock.advance(1)
    assert bench.log.committed == {ZERO: 1}
    await bench.clock.advance(5)
    assert bench.log.committed == {ZERO: 4}
    bench.engine.close()


async def test_commits_come_within_200_ms() -> None:
    """Not at once, and not later."""
    bench = Bench()
    await bench.subscribe(bench.handle)
    bench.engine.assigned([ZERO])
    bench.deliver(1, 2)
    await bench.settle()
    assert (bench.handled, bench.log.committed) == ([1, 2], {})
    await bench.clock.advance(0.2)
    assert bench.log.committed == {ZERO: 2}
    bench.engine.close()


async def test_a_dead_letter_that_cannot_be_stored_is_tried_again() -> None:
    """The handler is not called again for it, and nothing is committed before it is stored."""
    bench, calls = Bench(), []

    async def handler(payload: Any) -> None:
        calls.append(payload)
        raise ValueError

    await bench.subscribe(handler, attempts=1)
    bench.engine.assigned([ZERO])
    bench.log.error = ConnectionError("down")
    bench.deliver("bad", key="k")
    await bench.clock.advance(20)
    assert (calls, bench.log.dead, bench.log.committed) == (["bad"], [], {})
    bench.log.error = None
    await bench.clock.advance(60)
    assert calls == ["bad"]
    assert [record.payload for _, record in bench.log.dead] == ["bad"]
    assert bench.log.committed == {ZERO: 1}
    bench.engine.close()


async def test_without_dead_letters_the_partition_stops() -> None:
    """Its messages are neither handled nor committed; the other partition goes on."""
    bench = Bench()

    async def handler(payload: Any) -> None:
        if payload == "bad":
            raise ValueError

        bench.handled.append(payload)

    await bench.subscribe(handler, attempts=1, dead_letters=False, lanes=1)
    bench.engine.assigned([ZERO, ONE])
    bench.deliver("before", "bad", "behind")
    bench.deliver("other", partition=ONE)
    await bench.clock.advance(100)
    assert bench.handled == ["before", "other"]
    assert bench.log.committed == {ZERO: 1, ONE: 1}
    bench.deliver("later")
    await bench.settle()
    assert bench.handled == ["before", "other"]
    bench.engine.close()


async def test_order_by_partition_serialises_it() -> None:
    """One message of a partition at a time, whatever its key; the retry holds back the rest."""
    bench = Bench()

    async def handler(payload: Any) -> None:
        if payload == 1 and current_message().attempt == 1:
            raise ValueError

        bench.handled.append(payload)

    await bench.subscribe(handler, order="partition")
    bench.engine.assigned([ZERO, ONE])
    bench.deliver(1, 2, 3)
    bench.deliver("other", partition=ONE)
    await bench.settle()
    assert bench.handled == ["other"]
    await bench.clock.advance(1)
    assert bench.handled == ["other", 1, 2, 3]
    bench.engine.close()


async def test_a_batch_with_a_message_that_does_not_decode() -> None:
    """It is dead-lettered as it is, at once; the others are handled, on their first attempt."""
    bench, attempts = Bench(), []

    async def handler(payloads: list[Any]) -> None:
        attempts.append(current_message().attempt)
        bench.handled.extend(payloads)

    await bench.subscribe(handler, batch=BatchSize(3, 1.0))
    bench.engine.assigned([ZERO])
    broken = bench.log.add(b"\xff not ours")
    broken.encoding = "application/json"
    bench.engine.deliver(ZERO, [bench.log.add("a"), broken, bench.log.add("b")])
    await bench.settle()
    assert (bench.handled, attempts) == (["a", "b"], [1, 1])
    assert [record.payload for _, record in bench.log.dead] == [b"\xff not ours"]
    bench.engine.close()


@pytest.mark.parametrize("encoding", ["", "text/plain"])
async def test_a_record_from_elsewhere_is_its_bytes(encoding: str) -> None:
    """Without an encoding of ours nothing is guessed; codec="json" reads it so."""
    bench = Bench()
    await bench.subscribe(bench.handle)
    await bench.subscribe(lambda payload: bench.handle(("json", payload)), codec="json")
    bench.engine.assigned([ZERO])
    record = bench.log.add(b'{"a": 1}')
    record.encoding = encoding
    bench.engine.deliver(ZERO, [record])
    await bench.settle()
    assert bench.handled == [b'{"a": 1}', ("json", {"a": 1})]
    bench.engine.close()
