"""The thread of a consumer on a real broker: what it is asked for, and what it tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from threading import Event, Thread
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from infrastructure.messaging._record import Partition
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.messaging.kafka._configuration import consumer_configuration
from infrastructure.messaging.kafka._consumer import ConsumerThread
from infrastructure.messaging.kafka._listener import Listener
from infrastructure.messaging.kafka._records import Batch, Reading

from ...faults._timing import within
from ...faults._watch import nothing_left
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_messages import send
from ...servers.waiting import until
from .kafka_bench import Heard, make_fatal, new_group

pytestmark = pytest.mark.slow

# What a member that is gone without a word is waited for.
SESSION = 12.0


def begin(
    endpoint: KafkaEndpoint, group: str, listener: Listener, reading: Reading | None = None
) -> ConsumerThread:
    """Return a running thread."""
    settings = KafkaMessaging(endpoint.url, group_id=group)._settings
    loop = asyncio.get_running_loop()
    configuration = consumer_configuration(settings)
    return ConsumerThread(configuration, loop, listener, reading or Reading(""))


@asynccontextmanager
async def member(
    endpoint: KafkaEndpoint, group: str, topic: str, heard: Heard
) -> AsyncIterator[ConsumerThread]:
    """Give a thread whose first assignment has come."""
    thread = begin(endpoint, group, heard)
    await thread.subscribe([topic])
    await until(lambda: heard.assignments)

    try:
        yield thread
    finally:
        thread.end()
        await thread.ended


async def test_it_fetches_and_commits(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """In order; the group has what was committed, and gets nothing more when it is given up."""
    group, heard = new_group(), Heard()
    numbers = [str(number) for number in range(1200)]

    async with nothing_left(), member(kafka, group, kafka_topic, heard) as thread:
        send(kafka.producer(), kafka_topic, numbers)

        while len(heard.offsets) < 1200:
            thread.taken()
            await asyncio.sleep(0.01)

        # Else it would wait with what it is asked until its last messages are taken, too.
        thread.taken()
        assert heard.offsets == list(range(1200))
        [partition] = heard.owned
        await asyncio.gather(*(thread.commit({partition: at}) for at in (7, 9, 11)))

        with closing(kafka.consumer(group)) as other:
            [known] = other.committed([TopicPartition(kafka_topic, 0)], 10)
            assert known.offset == 11

        await thread.subscribe([])
        await until(lambda: not heard.owned)


async def test_it_hands_over_no_more_than_is_taken(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Two times; then it waits, and ends all the same."""
    send(kafka.producer(), kafka_topic, [str(number) for number in range(2000)])
    heard = Heard()

    async with nothing_left(), member(kafka, new_group(), kafka_topic, heard):
        await until(lambda: heard.offsets)
        await asyncio.sleep(0.3)
        assert len(heard.offsets) <= 1000


async def test_what_is_paused_is_not_fetched(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Until it is resumed; what is not ours can be neither, and that is no matter."""
    heard = Heard()

    async with member(kafka, new_group(), kafka_topic, heard) as thread:
        [partition] = heard.owned
        thread.pause(partition)
        thread.pause(Partition(kafka_topic, 99))
        thread.resume(Partition(f"{kafka_topic}-other", 0))
        # Behind it: calls are made in their order.
        await thread.subscribe([kafka_topic])
        send(kafka.producer(), kafka_topic, ["1"])
        await asyncio.sleep(0.3)
        assert heard.offsets == []
        thread.resume(partition)
        await until(lambda: heard.offsets == [0])


async def test_a_commit_that_is_refused_is_told(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """By the one whose it is."""
    heard = Heard()

    async with member(kafka, new_group(), kafka_topic, heard) as thread:
        [partition] = heard.owned
        good = thread.commit({partition: 0})

        with pytest.raises(KafkaException, match="UNKNOWN_TOPIC"):
            await thread.commit({Partition(f"{kafka_topic}-other", 0): 1})

        await good


class Fails(Reading):
    """Reads nothing."""

    def batch(self, messages: Iterable[Any]) -> Batch:
        msg = "as the test wants it"
        raise ValueError(msg)


async def test_a_thread_that_fails_is_told(
    kafka: KafkaEndpoint, kafka_topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It leaves the group, whose next member need not wait for it."""
    group, heard, next_heard = new_group(), Heard(), Heard()
    thread = begin(kafka, group, heard, Fails(""))
    await thread.subscribe([kafka_topic])
    send(kafka.producer(), kafka_topic, ["1"])

    with caplog.at_level(logging.CRITICAL, "infrastructure"), within(5):
        await thread.ended

    assert [error.code() for error in heard.errors] == [KafkaError._FAIL]

    with within(4):
        async with member(kafka, group, kafka_topic, next_heard):
            assert len(next_heard.owned) == 1


async def test_a_fatal_error_is_told(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Though the driver does not mark it as one, and nothing can be subscribed any more."""
    heard = Heard()

    async with nothing_left(), member(kafka, new_group(), kafka_topic, heard) as thread:
        make_fatal(thread._consumer)

        with within(2):
            await thread.ended

        assert [error.code() for error in heard.errors] == [KafkaError._FATAL]


async def test_who_leaves_while_joining_tells_the_group(
    kafka: KafkaEndpoint, kafka_topic: str
) -> None:
    """At once: else the next one would wait until the session ends."""
    group, heard = new_group(), Heard()
    thread = begin(kafka, group, Heard())
    await thread.subscribe([kafka_topic])
    thread.end()

    with within(SESSION / 3):
        await thread.ended

        async with member(kafka, group, kafka_topic, heard):
            await until(lambda: heard.owned)


class Commits(Heard):
    """Gives nothing up before what it has committed is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.thread: ConsumerThread | None = None
        self.pending: set[asyncio.Future[None]] = set()
        self.going = True

    async def commit_on(self, partition: Partition) -> None:
        assert self.thread is not None

        while self.going:
            self.pending.add(self.thread.commit({partition: 0}))
            await asyncio.sleep(0.0005)
            self.pending = {each for each in self.pending if not each.done()}

    def revoked(self, partitions: Sequence[Partition], done: Event) -> None:
        self.going = False
        self.given_up += 1
        waiting = asyncio.gather(*self.pending)
        waiting.add_done_callback(lambda _: done.set())


async def test_a_commit_under_way_holds_up_no_rebalance(kafka: KafkaEndpoint) -> None:
    """Who gives partitions up may wait for it: it is answered inside the driver's callback."""
    group, heard, other = new_group(), Commits(), Heard()

    async with kafka.topic(2) as topic, member(kafka, group, topic, heard) as thread:
        heard.thread = thread
        committing = asyncio.create_task(heard.commit_on(next(iter(heard.owned))))

        with within(6):
            async with member(kafka, group, topic, other):
                await until(lambda: other.owned)

        assert heard.given_up == 1
        await committing


def run_and_leave_without_a_word(start: Callable[[], Any]) -> None:
    """Run a loop in a thread, and close it with what it has begun."""
    thread = Thread(target=lambda: asyncio.run(start()))
    thread.start()
    thread.join()


async def test_nobody_stays_in_the_group_without_a_loop(
    kafka: KafkaEndpoint, kafka_topic: str
) -> None:
    """Where one ends without a disconnect, others get its partitions."""
    group, heard = new_group(), Heard()

    async def forget() -> None:
        first = Heard()
        thread = begin(kafka, group, first)
        await thread.subscribe([kafka_topic])
        await until(lambda: first.owned)

    await asyncio.to_thread(run_and_leave_without_a_word, forget)

    with within(SESSION / 2):
        async with member(kafka, group, kafka_topic, heard):
            await until(lambda: heard.owned)
