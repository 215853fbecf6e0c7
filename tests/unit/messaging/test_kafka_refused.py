"""Messages whose batch is refused for the sake of others, or of its size: they are sent again, in smaller ones."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from infrastructure import Message
from infrastructure._core.outage import OutageLog
from infrastructure.interfaces.exceptions import OperationError, ValidationError
from infrastructure.messaging.kafka._pace import Pace
from infrastructure.messaging.kafka._parked import LARGE, Parked
from infrastructure.messaging.kafka._publication import Batch, Publication
from infrastructure.messaging.kafka._waiting import Waiting

from ...servers.kafka_endpoint import KafkaEndpoint
from .kafka_bench import connected, new_group, stored

pytestmark = pytest.mark.slow

SMALL = {"max.message.bytes": "20000"}
"""A topic whose batches are to be smaller than those of a client at work."""


def texts(count: int, size: int = 1000) -> list[str]:
    """Return texts which no compression makes small, with their numbers in front."""
    draw = random.Random(0)
    return [f"{number:05d}{draw.randbytes(size // 2 - 2).hex()}" for number in range(count)]


async def test_many_at_once_fit_a_topic_of_small_batches(kafka: KafkaEndpoint) -> None:
    """Each of them is small enough: each is stored, and that once."""
    wanted = texts(1000)

    async with kafka.topic(3, SMALL) as topic, connected(kafka, codec="raw") as messaging:
        await asyncio.gather(*(messaging.publish(topic, each.encode()) for each in wanted))
        # Batches are as small from now on.
        await asyncio.gather(*(messaging.publish(topic, each.encode()) for each in wanted))
        assert sorted(stored(kafka, topic, 2000)) == sorted([*wanted, *wanted])
        assert counted(kafka, topic, 3) == 2000


@pytest.mark.parametrize("linger", [0, 20])
async def test_only_the_one_that_is_too_large_is_refused(kafka: KafkaEndpoint, linger: int) -> None:
    """Whoever publishes at the same moment has nothing to do with it, and later batches are large."""
    wanted = texts(200, 100)
    large = "x" * 30_000
    options = {"librdkafka": {"linger.ms": linger}}

    async with (
        kafka.topic(1, SMALL) as topic,
        connected(kafka, codec="raw", **options) as messaging,
    ):
        for _ in range(2):
            several = [
                messaging.publish(topic, each.encode()) for each in [*wanted, large, *wanted]
            ]
            results = await asyncio.gather(*several, return_exceptions=True)
            [refused] = [each for each in results if each is not None]
            assert isinstance(refused, ValidationError)
            assert refused.outcome == "not_applied"
            assert results[200] is refused

        assert sorted(stored(kafka, topic, 800)) == sorted(wanted * 4)
        assert counted(kafka, topic, 1) == 800


async def test_publish_many_keeps_its_order(kafka: KafkaEndpoint) -> None:
    """That of each key; it says so where it cannot, and finds out how small batches have to be."""
    failed = []

    async with kafka.topic(2, SMALL) as topic, connected(kafka, codec="raw") as messaging:
        for run in range(25):
            several = [f"{run:02d} {each}" for each in texts(200)]
            keyed = [Message(each.encode(), key=f"k{n % 3}") for n, each in enumerate(several)]

            try:
                await messaging.publish_many(topic, keyed)
            except OperationError as exc:
                assert (exc.outcome, exc.retryable) == ("not_applied", True)  # noqa: PT017 - it may pass
                failed.append(run)

        count = counted(kafka, topic, 2)
        found = [each[:8] for each in stored(kafka, topic, count)]

    assert not [run for run in failed if run >= 20]
    assert len(set(found)) == count
    assert {each for run in range(20, 25) for each in numbered(run, 0, 1)} <= {*found}

    for run in range(25):
        for key in range(3):
            wanted = numbered(run, key, 3)
            mine = [each for each in found if each in wanted]
            assert mine == sorted(mine)


def numbered(run: int, first: int, step: int) -> set[str]:
    """Return how the messages of a run begin, or those of a key."""
    return {f"{run:02d} {number:05d}" for number in range(first, 200, step)}


def counted(kafka: KafkaEndpoint, topic: str, partitions: int) -> int:
    """Return how many messages a topic has."""
    with closing(kafka.consumer(new_group())) as looking:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        ends = [looking.get_watermark_offsets(place, 10) for place in places]

    return sum(high - low for low, high in ends)


async def test_one_that_is_not_valid_takes_none_with_it(kafka: KafkaEndpoint) -> None:
    """A topic that keeps the last message of each key takes none without one."""
    compacted = {"cleanup.policy": "compact"}
    wanted = texts(50, 20)

    async with kafka.topic(1, compacted) as topic, connected(kafka, codec="raw") as messaging:
        several = [messaging.publish(topic, Message(each.encode(), key=each)) for each in wanted]
        several.insert(25, messaging.publish(topic, b"without a key"))
        results = await asyncio.gather(*several, return_exceptions=True)
        assert [number for number, each in enumerate(results) if each is not None] == [25]
        assert isinstance(results[25], OperationError)
        assert sorted(stored(kafka, topic, 50)) == wanted
        assert counted(kafka, topic, 1) == 50


async def test_other_topics_do_not_wait(kafka: KafkaEndpoint) -> None:
    """For one whose messages are refused one by one, however many there are."""
    large = b"x" * 30_000

    async with (
        kafka.topic(1, SMALL) as bad,
        kafka.topic() as good,
        connected(kafka, codec="raw") as messaging,
    ):
        await messaging.publish(good, b"before")
        refused = [asyncio.ensure_future(messaging.publish(bad, large)) for _ in range(300)]
        await asyncio.wait(refused, return_when=asyncio.FIRST_COMPLETED)
        await messaging.publish(good, b"beside")
        assert sum(each.done() for each in refused) < 200
        ends = await asyncio.gather(*refused, return_exceptions=True)
        assert {type(each) for each in ends} == {ValidationError}


async def test_the_one_that_would_be_overtaken_is_told() -> None:
    """Where it has to keep its order, and a later one of its key is stored: by text or bytes."""
    names = [("k", True), ("l", True), ("k", False), (None, True), (b"k", False), ("m", True)]
    several = [handed_over(*each) for each in names]
    batch, later = batch_of(several), batch_of([handed_over("l", False)])
    ordered, other, loose, keyless, behind, last = several
    parked = Parked([batch, later])

    for each in (last, keyless, loose, other, ordered):
        parked.take_back(each)

    assert [*parked.everybody()] == [last, keyless, loose, other, ordered]
    parked.stored(behind)
    error = ordered.answer.exception()
    assert isinstance(error, OperationError)
    assert (error.outcome, error.retryable, error.operation) == ("not_applied", True, "publish")
    assert not any(each.answer.done() for each in (other, loose, keyless, last))
    # One that is on its way still, and late, may be stored.
    parked.put_back()
    assert isinstance(other.answer.exception(), OperationError)
    assert [*parked] == [ordered, other, loose, keyless, last]
    assert not loose.answer.done()
    assert not last.answer.done()


async def test_one_that_left_before_overtakes_nobody() -> None:
    """It is reported later where the driver had to repeat it."""
    first, second = handed_over("k", True), handed_over("k", True)
    parked = Parked([batch_of([first]), batch_of([second])])
    parked.take_back(second)
    parked.stored(first)
    parked.put_back()
    assert not second.answer.done()


async def test_batches_are_halved_until_one_goes_alone_and_grow_again() -> None:
    """Where that is found to be the reason its topic is like others again; else it is not."""
    several = [handed_over("k", False) for _ in range(8)]
    parked = Parked([])
    rooms = []

    while len(several) > 1:
        batch = batch_of(several)
        parked.left(batch)
        assert not batch.is_alone

        for each in several:
            parked.take_back(each)

        parked.pending.discard(batch)
        parked.put_back()
        rooms.append(parked.room(100))
        several = [parked.popleft() for _ in range(rooms[-1])]

    assert rooms == [4, 2, 1]
    alone = batch_of(several)
    parked.left(alone)
    assert alone.is_alone
    parked.clear()
    parked.extend(handed_over("k", False) for _ in range(20))
    grow(parked, 100)
    # Two were refused, so that two are too many.
    assert parked.room(100) == 1
    parked.found()
    grow(parked, 100)
    assert (parked.room(100), parked.room(5)) == (14, 5)
    grow(parked)
    # The driver does not make larger ones.
    assert parked.room(100) == 100
    assert not parked.is_cured
    parked.pending.clear()
    assert parked.is_cured


async def test_what_was_never_found_is_forgotten() -> None:
    """Nobody waits for the message that was not valid: its topic does not stay as it is for ever."""
    good, bad = handed_over(None, False), handed_over(None, False)
    parked = Parked([])
    batch_of([good, bad])
    bad.answer.cancel()

    for each in (good, bad):
        parked.take_back(each)

    parked.put_back()
    assert [*parked] == [good, bad]
    parked.clear()
    parked.extend(handed_over(None, False) for _ in range(200))
    assert parked.room(100) == 1
    grow(parked, 40_000)
    before = parked.room(100)
    assert 5 < before < 20
    grow(parked, 400_000)
    assert parked.room(100) == 100


async def test_one_is_not_alone_beside_another_that_is_late() -> None:
    """The driver may have sent them together; when it has not, the other one is not reported yet."""
    late = batch_of([handed_over(None, False) for _ in range(2)])
    parked = Parked([late])
    batch = batch_of([handed_over(None, False)])
    parked.left(batch)
    assert batch.is_alone
    late.left -= 1
    assert not batch.is_alone
    late.left += 1
    behind = batch_of([handed_over(None, False)])
    parked.left(behind)
    # It may go with that one when the leader of both is back.
    assert not batch.is_alone
    assert behind.is_alone
    behind.end()
    assert not behind.is_alone


async def test_what_is_late_holds_up_nobody() -> None:
    """A partition may have lost its leader: others of the topic wait for it a moment, others not at all."""
    outage = OutageLog(lambda: "the test", "the brokers are")
    refused, late = handed_over("k", False), handed_over("l", False)
    batch, pending = batch_of([refused]), batch_of([late])
    batches = {batch: None, pending: None}
    waiting = Waiting(Pace(batches, outage), batches)
    waiting.usual.extend([handed_over("m", False), other := handed_over("n", False, "other")])
    error = KafkaError(KafkaError.INVALID_RECORD)
    assert waiting.took_back(refused, error)
    waiting.ended(batch)
    assert [*waiting.usual] == [other]
    assert waiting.next() == (waiting.usual, 0)
    waiting.usual.clear()
    queue, delay = waiting.next()
    assert queue is None
    assert 0 < delay <= 0.5
    await asyncio.sleep(delay)
    # Others may have come back with it.
    pending.reports.append(late)
    assert waiting.next() == (None, 0.01)
    pending.reports.clear()
    queue, delay = waiting.next()
    assert queue is waiting.parked["t"]
    assert queue[0] is refused
    assert [each.key for each in waiting.everybody()] == ["k", "m"]
    assert not waiting.took_back(late, KafkaError(KafkaError.TOPIC_EXCEPTION))


async def test_a_topic_is_like_others_when_the_reason_was_found() -> None:
    """And its batches have grown again; what is left of it goes with the others."""
    waiting = Waiting(Pace({}, OutageLog(lambda: "the test", "the brokers are")), {})
    error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    message = handed_over("k", False)
    batch = batch_of([message])
    assert waiting.took_back(message, error)
    queue, _ = waiting.next()
    assert queue is not None
    queue.clear()
    batch = batch_of([message])
    waiting.left(queue, batch)
    assert not waiting.took_back(message, error)
    waiting.ended(batch)
    assert list(waiting.parked) == ["t"]
    grow(waiting.parked["t"])
    # However many wait at any time.
    waiting.queue_of("t").append(message)
    assert not waiting.usual
    waiting.ended(batch)
    assert not waiting.parked
    assert waiting.next() == (waiting.usual, 0)


def grow(parked: Parked, count: int = 8 * LARGE // 100) -> None:
    """Have the brokers store so many messages; by default, as many as make its batches large."""
    message = handed_over(None, False)

    for _ in range(count):
        parked.stored(message)


def batch_of(messages: list[Publication]) -> Batch:
    """Return one with these messages, of a sender that reports nothing."""
    sender: Any = SimpleNamespace(reports=[])
    batch = Batch(sender)
    batch.members.extend(messages)
    batch.left = len(messages)

    for each in messages:
        each.batch = batch

    return batch


def handed_over(key: str | bytes | None, is_ordered: bool, topic: str = "t") -> Publication:
    """Return a message of 100 bytes."""
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    return Publication(topic, key, bytes(100 - len(key or b"")), [], math.inf, answer, is_ordered)
