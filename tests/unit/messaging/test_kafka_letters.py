"""The dead letters of a topic on a real broker: read without a group, sent back, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from infrastructure import deadline
from infrastructure.interfaces import Message, current_message
from infrastructure.interfaces.exceptions import (
    ConnectionError,
    OperationError,
    TimeoutError,
    ValidationError,
)
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.messaging.letters import DeadLetter

from ...faults._timing import SLACK, within
from ...faults._watch import nothing_left
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .kafka_bench import connected, new_group
from .test_kafka_topics import remove

pytestmark = pytest.mark.slow


class Choosy:
    """Refuses what is text; takes all when it is told to."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.headers: list[Any] = []
        self.refused = 0
        self.takes_all = False

    async def __call__(self, payload: Any) -> None:
        if isinstance(payload, str) and not self.takes_all:
            self.refused += 1
            msg = f"no {payload}"
            raise ValidationError(msg)

        self.taken.append(payload)
        self.headers.append(dict(current_message().headers))


@asynccontextmanager
async def dying(
    endpoint: KafkaEndpoint, topic: str, texts: Sequence[str], **options: Any
) -> AsyncIterator[tuple[KafkaMessaging, Choosy]]:
    """Give a messaging whose handler has refused these, and the handler."""
    handler = Choosy()

    async with connected(endpoint, **options) as messaging:
        await messaging.subscribe(topic, handler)
        await messaging.publish_many(topic, [Message(text, key="k") for text in texts])
        await until(lambda: handler.refused == len(texts))
        # With the last one's commit its letter is stored.
        await messaging.unsubscribe(topic)
        yield messaging, handler


async def letters_of(messaging: KafkaMessaging, topic: str, **options: Any) -> list[DeadLetter]:
    async with messaging.dead_letters(topic, **options) as box:
        return [letter async for page in box for letter in page]


def payloads(letters: Sequence[DeadLetter]) -> list[Any]:
    return [letter.payload for letter in letters]


async def test_they_tell_what_failed(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Each time again, as long as they are not replayed."""
    async with dying(kafka, kafka_topic, "abc") as (messaging, _):
        async with nothing_left():
            for _ in range(2):
                found = await letters_of(messaging, kafka_topic)
                assert payloads(found) == list("abc")

        letter = found[1]
        assert letter.origin == (kafka_topic, "0", "1")
        assert letter.group == messaging._settings.group
        assert letter.handler.endswith("Choosy")
        assert (letter.error_text, letter.attempts) == ("no b", "1")
        assert letter.error.endswith("ValidationError")

        async with messaging.dead_letters(kafka_topic) as box:
            assert box.waiting == 3


async def test_they_go_back_to_the_handler(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """That could not handle them, and no other; then none is left."""
    async with dying(kafka, kafka_topic, "abc") as (messaging, handler):
        async with messaging.dead_letters(kafka_topic) as box:
            await box.replay([])

            async for page in box:
                await box.replay(page)

        assert await letters_of(messaging, kafka_topic) == []
        other = Choosy()
        handler.takes_all = True

        async with connected(kafka) as stranger:
            await stranger.subscribe(kafka_topic, other)
            await messaging.subscribe(kafka_topic, handler)
            await until(lambda: len(handler.taken) == 3)
            await until(lambda: other.refused == 3)

        assert handler.taken == list("abc")
        assert handler.headers[0]["infrastructure-replay-group"] == messaging._settings.group
        assert other.taken == []


async def test_those_left_out_are_not_forgotten(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Whichever are replayed, the others are there the next time."""
    async with dying(kafka, kafka_topic, "abcde") as (messaging, _):
        async with messaging.dead_letters(kafka_topic) as box:
            found = [letter async for page in box for letter in page]
            await box.replay(found[2:3])
            await box.replay(found[1:2])

        async with messaging.dead_letters(kafka_topic) as box:
            assert box.waiting == 3
            found = [letter async for page in box for letter in page]
            assert payloads(found) == list("ade")
            # In any order, and more than once.
            await box.replay([found[1], found[0]])
            await box.replay([found[0]])

        async with messaging.dead_letters(kafka_topic) as box:
            assert box.waiting == 1
            assert payloads([letter async for page in box for letter in page]) == ["e"]


async def test_what_comes_meanwhile_is_for_the_next_one(
    kafka: KafkaEndpoint, kafka_topic: str
) -> None:
    """It was fetched with the others, and shown to nobody."""
    async with dying(kafka, kafka_topic, "ab") as (messaging, _):
        async with messaging.dead_letters(kafka_topic) as box:
            await messaging.publish_many(f"{kafka_topic}.dlq", list("cd"))

            async for page in box:
                assert payloads(page) == list("ab")
                await box.replay(page)

        assert payloads(await letters_of(messaging, kafka_topic)) == list("cd")


async def test_an_interrupted_replay_loses_nothing(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Wherever it is cancelled: what is not remembered as replayed is there again."""
    texts = [str(number) for number in range(20)]

    async with dying(kafka, kafka_topic, texts) as (messaging, handler):
        for turns in range(4):
            async with messaging.dead_letters(kafka_topic) as box:
                async for page in box:
                    replaying = asyncio.create_task(box.replay(page))

                    for _ in range(turns):
                        await asyncio.sleep(0)

                    replaying.cancel()
                    await asyncio.wait({replaying})

        left = payloads(await letters_of(messaging, kafka_topic))
        handler.takes_all = True
        await messaging.subscribe(kafka_topic, handler)

        async with messaging.dead_letters(kafka_topic) as box:
            async for page in box:
                await box.replay(page)

        await until(lambda: set(handler.taken) == set(texts))
        assert left == texts[len(texts) - len(left) :]


async def test_a_transaction_ends_with_no_message(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """The last offset is its mark: nobody waits for a letter there."""
    producer = kafka.producer({"transactional.id": kafka_topic})
    await asyncio.to_thread(producer.init_transactions, 20)
    producer.begin_transaction()
    told = [("infrastructure-origin-topic", b"t")]
    producer.produce(kafka_topic, b"letter", headers=told)
    await asyncio.to_thread(producer.commit_transaction, 20)
    # Who commits does not wait for the mark, and without it the letter cannot be read.
    looking, place = kafka.consumer(kafka_topic), TopicPartition(kafka_topic, 0)
    await until(lambda: looking.get_watermark_offsets(place, 5) == (0, 2))
    looking.close()

    async with connected(kafka) as messaging:
        with within(3):
            found = await letters_of(messaging, "t", stored_in=kafka_topic)

        assert payloads(found) == [b"letter"]

        # One that is still open hides what comes behind it.
        producer.begin_transaction()
        producer.produce(kafka_topic, b"open", headers=told)
        await asyncio.to_thread(producer.flush, 10)

        with within(3):
            assert len(await letters_of(messaging, "t", stored_in=kafka_topic)) == 1

        await asyncio.to_thread(producer.abort_transaction, 20)


async def test_they_are_where_the_options_say(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Unless somebody asks for another place."""
    async with kafka.topic() as topic:
        options = {"dead_letter_topic": kafka_topic}

        async with dying(kafka, topic, "a", **options) as (messaging, _):
            assert payloads(await letters_of(messaging, topic)) == ["a"]

            with pytest.raises(OperationError, match=f"{topic}.dlq"):
                await letters_of(messaging, topic, stored_in=f"{topic}.dlq")


async def test_several_topics_share_a_place(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Each has its own account of what was replayed."""
    async with kafka.topic() as one, kafka.topic() as other:
        options = {"dead_letter_topic": kafka_topic}

        async with dying(kafka, one, "ab", **options) as (messaging, _):
            async with dying(kafka, other, "cd", **options):
                pass

            async with messaging.dead_letters(one, stored_in=kafka_topic) as box:
                found = [letter async for page in box for letter in page]
                assert payloads(found) == list("ab")
                await box.replay(found)
                rest = await letters_of(messaging, other, stored_in=kafka_topic)
                assert payloads(rest) == list("cd")

                with pytest.raises(OperationError, match=f"a letter is of {other}"):
                    await box.replay(rest)

            assert await letters_of(messaging, one, stored_in=kafka_topic) == []


async def test_what_tells_no_origin(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Is a letter in the topic's own place alone: elsewhere it may be a message of anybody."""
    async with connected(kafka) as messaging, kafka.topic() as topic, dying(kafka, topic, "a"):
        for place in (kafka_topic, f"{topic}.dlq"):
            await messaging.publish(place, "stranger")

        assert await letters_of(messaging, topic, stored_in=kafka_topic) == []
        found = await letters_of(messaging, topic)
        assert payloads(found) == ["a", "stranger"]

        async with messaging.dead_letters(topic, stored_in=kafka_topic) as box:
            with pytest.raises(OperationError, match="a letter is of"):
                await box.replay(found[1:])


async def test_there_are_none(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Where there is no such topic it is said where to look."""
    async with nothing_left(), connected(kafka) as messaging:
        with within(2), pytest.raises(OperationError, match="stored_in="):
            await letters_of(messaging, kafka_topic)

        with pytest.raises(ValidationError):
            await letters_of(messaging, "a b")

        assert await letters_of(messaging, "t", stored_in=kafka_topic) == []

    with pytest.raises(ConnectionError, match="dead_letters"):
        await letters_of(messaging, kafka_topic)


async def test_a_box_ends_with_its_block(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Behind it nothing can be read, and nobody waits for ever."""
    async with dying(kafka, kafka_topic, "a") as (messaging, _):
        async with messaging.dead_letters(kafka_topic) as box:
            pass

        with within(SLACK), pytest.raises(ConnectionError):
            async for _ in box:
                pass


@pytest.mark.parametrize("linger", [0, 50])
async def test_what_cannot_go_back_stays(kafka: KafkaEndpoint, linger: int) -> None:
    """Its error is told; the others go back, and that once, also those that were in one batch with it."""
    async with (
        kafka.topic(config={"max.message.bytes": "1000"}) as small,
        dying(kafka, small, "ab", librdkafka={"linger.ms": linger}) as (messaging, _),
    ):
        place = f"{small}.dlq"
        await messaging.publish_many(place, ["x" * 5000, "c"])

        for count in (4, 1):
            async with messaging.dead_letters(small) as box:
                found = [letter async for page in box for letter in page]
                assert len(found) == count

                with pytest.raises(ValidationError, match="MSG_SIZE_TOO_LARGE"):
                    await box.replay(found)

        assert payloads(await letters_of(messaging, small)) == ["x" * 5000]

        with closing(kafka.consumer(new_group())) as looking:
            assert looking.get_watermark_offsets(TopicPartition(small, 0), 5) == (0, 5)


async def test_their_topic_was_removed(kafka: KafkaEndpoint) -> None:
    """It is made again where that is wanted; else it is said what to do, and they stay."""
    async with kafka.topic() as topic:
        async with dying(kafka, topic, "ab"):
            pass

        await remove(kafka, topic)

        async with connected(kafka) as messaging, messaging.dead_letters(topic) as box:
            [found] = [page async for page in box]

            with pytest.raises(OperationError, match=r"replay.*create_topics=True"):
                await box.replay(found)

        making = connected(kafka, create_topics=True, partitions=1)

        async with making as messaging, messaging.dead_letters(topic) as box:
            [found] = [page async for page in box]
            await box.replay(found)

        with closing(kafka.consumer(new_group())) as looking:
            assert looking.get_watermark_offsets(TopicPartition(topic, 0), 5) == (0, 2)


async def test_a_box_and_its_messaging(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Nothing goes back where that is not connected any more."""
    async with (
        dying(kafka, kafka_topic, "a") as (messaging, _),
        messaging.dead_letters(kafka_topic) as box,
    ):
        [found] = [page async for page in box]
        await messaging.disconnect()

        with pytest.raises(ConnectionError, match="replay"):
            await box.replay(found)


async def test_a_silent_broker_is_not_waited_for(private_kafka: KafkaServer) -> None:
    """Longer than the deadline, or than whoever asks wants to."""
    async with (
        private_kafka.topic() as topic,
        nothing_left(),
        connected(private_kafka) as messaging,
    ):
        assert await letters_of(messaging, "t", stored_in=topic) == []
        private_kafka.freeze()

        # The exit waits for a second at most.
        with deadline(0.5), within(1.5 + SLACK), pytest.raises(TimeoutError):
            await letters_of(messaging, "t", stored_in=topic)

        asking = asyncio.create_task(letters_of(messaging, "t", stored_in=topic))
        await asyncio.sleep(0.2)
        asking.cancel()

        with within(1 + SLACK), pytest.raises(asyncio.CancelledError):
            await asking

        private_kafka.thaw()
        # More than the driver fetches ahead, however late the broker is frozen.
        await messaging.publish_many(topic, [bytes(900_000)] * 25)

        async with messaging.dead_letters("t", stored_in=topic) as box:
            private_kafka.freeze()

            with deadline(0.5), within(0.5 + SLACK), pytest.raises(TimeoutError):
                async for _ in box:
                    pass

        private_kafka.thaw()


async def test_a_static_member_reads_them(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Its name in the group is no hindrance."""
    async with dying(kafka, kafka_topic, "ab") as (messaging, _):
        group = new_group()

        async with (
            KafkaMessaging(kafka.url, group_id=group, group_instance_id="one") as static,
            static.dead_letters(kafka_topic) as box,
        ):
            async for page in box:
                await box.replay(page)

        assert await letters_of(messaging, kafka_topic) == []
