"""Publishes on their way to a real broker: in batches, in order, until their deadlines."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from typing import Any

import pytest

from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import ConnectionError, TimeoutError, ValidationError
from infrastructure.messaging.kafka._publisher import Publisher

from ...faults._timing import SLACK, within
from ...faults._watch import ARRIVAL, nothing_left, until
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_messages import read
from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until as in_time
from .kafka_bench import FOR_EVER, make_fatal, new_group, publishing, stored

pytestmark = pytest.mark.slow

Answer = asyncio.Future[None]

# librdkafka looks every 0.5 s whether a producer can get its number.
AT_ONCE = 0.2

PATIENT = 1.0
"""Seconds that a publisher waits for two batches, where a test sends more in the meantime."""


def send(
    publisher: Publisher, topic: str, text: str, expires: float = FOR_EVER, **parts: Any
) -> Answer:
    """Send one message to the topic's one partition."""
    headers = parts.get("headers", [])
    return publisher.send(topic, "key", text.encode(), headers, expires)


async def test_they_keep_their_order(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Those with headers among those without."""
    numbers = [str(number) for number in range(500)]

    async with nothing_left(), publishing(kafka) as publisher:
        await asyncio.gather(
            *(
                send(publisher, kafka_topic, text, headers=[("a", b"b")] if index % 3 else [])
                for index, text in enumerate(numbers)
            )
        )

    assert stored(kafka, kafka_topic, 500) == numbers


async def test_batches_clock_themselves(private_kafka: KafkaServer) -> None:
    """Two are on their way; what comes meanwhile goes together, and is not held up for long."""
    async with private_kafka.topic() as topic, publishing(private_kafka) as publisher:
        await send(publisher, topic, "warm")
        # That is not long. Where this loop stands still for as long, a third one leaves.
        assert publisher._pace._patience <= 0.05
        publisher._pace._patience = PATIENT
        private_kafka.freeze()
        answers = []

        for text in "abcde":
            answers.append(send(publisher, topic, text))
            await asyncio.sleep(0)

        assert [len(batch.members) for batch in publisher._batches] == [1, 1]
        assert len(publisher._waiting.usual) == 3

        with within(PATIENT + SLACK):
            await until(lambda: not publisher._waiting, lambda: publisher._batches)

        assert [len(batch.members) for batch in publisher._batches] == [1, 1, 3]
        private_kafka.thaw()
        await asyncio.gather(*answers)
        assert stored(private_kafka, topic, 6) == ["warm", *"abcde"]


async def test_a_full_queue_is_waited_for(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """And by one timer, however many reports come meanwhile."""
    numbers = [str(number) for number in range(200)]
    looks = 0
    options = {"queue.buffering.max.messages": 5}

    async with publishing(kafka, **options) as publisher:
        look = publisher._try_again

        def try_again() -> None:
            nonlocal looks
            looks += 1
            look()

        publisher._try_again = try_again  # type: ignore[method-assign]
        began = time.monotonic()
        await asyncio.gather(*(send(publisher, kafka_topic, text) for text in numbers))
        assert looks <= (time.monotonic() - began) / 0.01 + 1

    assert stored(kafka, kafka_topic, 200) == numbers


async def test_what_is_too_large_is_told_at_once(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """By librdkafka; those before and behind it go."""
    async with publishing(kafka) as publisher:
        before = send(publisher, kafka_topic, "before")
        large = send(publisher, kafka_topic, "x" * 2_000_000)
        behind = send(publisher, kafka_topic, "behind")

        with pytest.raises(ValidationError, match="more than max_message_bytes= here") as caught:
            await large

        assert caught.value.outcome == "not_applied"
        await asyncio.gather(before, behind)

    assert stored(kafka, kafka_topic, 2) == ["before", "behind"]


@pytest.mark.usefixtures("slow_machine")
async def test_a_broker_may_allow_less(kafka: KafkaEndpoint) -> None:
    """Its refusal is the same error."""
    async with (
        kafka.topic(config={"max.message.bytes": "1000"}) as topic,
        publishing(kafka) as publisher,
    ):
        with pytest.raises(ValidationError, match=r"or than max\.message\.bytes of the") as caught:
            await send(publisher, topic, "x" * 5000)

        assert caught.value.outcome == "not_applied"


async def test_close_fails_what_is_under_way(private_kafka: KafkaServer) -> None:
    """Unknown is what was handed over; nothing is taken any more."""
    async with private_kafka.topic() as topic, nothing_left():
        async with publishing(private_kafka) as publisher:
            await send(publisher, topic, "warm")
            publisher._pace._patience = PATIENT
            private_kafka.freeze()
            answers = []

            for text in "abc":
                answers.append(send(publisher, topic, text))
                await asyncio.sleep(0)

            flushing = asyncio.create_task(publisher.flush())
            await asyncio.sleep(0)
            publisher.close()
            await flushing
            answers.append(send(publisher, topic, "d"))
            errors = [answer.exception() for answer in answers]
            assert all(isinstance(error, ConnectionError) for error in errors)
            outcomes = [getattr(error, "outcome", None) for error in errors]
            assert outcomes == ["unknown", "unknown", "not_applied", "not_applied"]

        private_kafka.thaw()


async def test_a_message_may_wait_longer_than_usual(private_kafka: KafkaServer) -> None:
    """As long as its own deadline says, or for ever; others go at their time."""
    async with (
        private_kafka.topic() as topic,
        nothing_left(),
        publishing(private_kafka, 2.0) as publisher,
    ):
        await send(publisher, topic, "warm", time.monotonic() + 2.0)
        await send(publisher, topic, "warm too")
        private_kafka.freeze()
        usual = send(publisher, topic, "usual", time.monotonic() + 2.0)
        longer = send(publisher, topic, "longer", time.monotonic() + 3.0)
        wanted = send(publisher, topic, "wanted", time.monotonic() + 60.0)
        last = send(publisher, topic, "last")

        with within(2.0 + SLACK):
            await asyncio.wait({usual})

        with within(1.0 + SLACK):
            await asyncio.wait({longer})

        assert isinstance(usual.exception(), TimeoutError)
        assert isinstance(longer.exception(), TimeoutError)

        private_kafka.thaw()
        await asyncio.gather(wanted, last)


async def test_who_may_wait_longer_does_not_have_to(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Its producer has its number as soon as a broker can be asked for one: not with a tick of the driver."""
    took = []

    for _ in range(5):
        async with nothing_left(), publishing(kafka, 2.0) as publisher:
            await send(publisher, kafka_topic, "warm", time.monotonic() + 2.0)
            watch = Stopwatch()
            await send(publisher, kafka_topic, "longer")
            took.append(watch.taken)

    # The others may have waited for a machine that is busy.
    assert min(took) <= AT_ONCE + SLACK


async def test_what_was_given_up_is_not_sent_for_ever(private_kafka: KafkaServer) -> None:
    """However long the brokers are away, and however long others may take."""
    async with (
        private_kafka.topic() as topic,
        publishing(private_kafka, 0.5) as publisher,
    ):
        await send(publisher, topic, "warm", time.monotonic() + 2.0)
        patient = publisher._patient
        assert patient is not None
        private_kafka.kill()
        given_up = send(publisher, topic, "given up", time.monotonic() + 2.0)
        await until(lambda: patient._batches, lambda: publisher._waiting)
        given_up.cancel()
        late = send(publisher, topic, "late", time.monotonic() + 60.0)
        # librdkafka looks once in a second.
        await in_time(lambda: not patient._batches)
        await private_kafka.start()
        await late

        with closing(private_kafka.consumer(new_group())) as consumer:
            assert read(consumer, topic, 2) == ["warm", "late"]
            # Nor does it come behind them.
            assert consumer.poll(2) is None


async def test_a_closed_one_takes_no_message_that_may_wait(kafka: KafkaEndpoint) -> None:
    """Whether or not there was one before."""
    async with nothing_left(), publishing(kafka, 0.5) as publisher:
        publisher.close()

        with pytest.raises(ConnectionError, match="disconnect"):
            await send(publisher, "t", "late")


async def test_who_looks_for_reports_finds_no_producer(
    kafka: KafkaEndpoint, kafka_topic: str
) -> None:
    """It ended before the loop came to look, which was busy elsewhere."""
    async with nothing_left(), publishing(kafka) as publisher:
        await send(publisher, kafka_topic, "warm")

        sender = publisher._acknowledgements
        sender._resting = 0
        lost = send(publisher, kafka_topic, "lost")
        lost.add_done_callback(asyncio.Future.exception)
        await asyncio.sleep(0)
        assert sender._is_looking
        publisher.close()
        sender._thread.join()
        assert sender.producer is None
        await asyncio.sleep(0)
        assert not sender._is_looking


async def test_the_loop_looks_longer_where_reports_come_soon(
    kafka: KafkaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And less long where they do not, never less than it does at least."""
    found = []

    async with nothing_left(), publishing(kafka) as publisher:
        sender = publisher._acknowledgements
        sender._since, sender._patience = time.monotonic(), 30.0

        for least in (30.0, 30.0, 30.0, 0.0, 0.0, 0.0, 20.0):
            monkeypatch.setattr(
                "infrastructure.messaging.kafka._acknowledgements._SPIN", (least, 100.0)
            )
            sender._found()
            found.append(sender._patience)

    assert found == [60.0, 100.0, 100.0, 50.0, 25.0, 12.5, 25.0]


async def test_nobody_waits_for_what_was_cancelled(private_kafka: KafkaServer) -> None:
    """A flush returns though it still stands in the line."""
    async with private_kafka.topic() as topic, publishing(private_kafka) as publisher:
        await send(publisher, topic, "warm")
        publisher._pace._patience = PATIENT
        private_kafka.freeze()
        answers = []

        for text in "abc":
            answers.append(send(publisher, topic, text))
            await asyncio.sleep(0)

        assert len(publisher._waiting.usual) == 1

        for answer in answers:
            answer.cancel()

        with within(SLACK):
            await publisher.flush()

        private_kafka.thaw()


async def test_after_a_fatal_error_it_begins_anew(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """With the next message and at once, as often as it has to."""
    took = []

    async with nothing_left(), publishing(kafka) as publisher:
        await send(publisher, kafka_topic, "warm")

        for text in "abc":
            make_fatal(publisher.client)
            watch = Stopwatch()
            await send(publisher, kafka_topic, text)
            took.append(watch.taken)

        # The others may have waited for a machine that is busy.
        assert min(took) <= AT_ONCE + SLACK
        make_fatal(publisher.client)

        # Whether the thread has heard of it by now or not.
        await until(lambda: publisher._acknowledgements.failure, lambda: "no failure", ARRIVAL)
        await send(publisher, kafka_topic, "d")

    assert stored(kafka, kafka_topic, 5) == ["warm", *"abcd"]


async def test_what_a_fatal_error_caught_is_told(private_kafka: KafkaServer) -> None:
    """Its reason, and that nobody knows what became of it."""
    async with private_kafka.topic() as topic, publishing(private_kafka) as publisher:
        await send(publisher, topic, "warm")
        private_kafka.freeze()
        answers = [send(publisher, topic, text) for text in "ab"]
        await asyncio.sleep(0)
        make_fatal(publisher.client)
        await until(lambda: publisher._acknowledgements.failure, lambda: "no failure", ARRIVAL)
        answers.append(send(publisher, topic, "c"))
        private_kafka.thaw()
        await answers[-1]
        found = await asyncio.gather(*answers, return_exceptions=True)
        assert all(error is None or error.outcome == "unknown" for error in found)  # type: ignore[union-attr]
