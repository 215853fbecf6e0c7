"""F16: a message that nobody can handle goes to the dead letters; what is beside it is not held up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infrastructure import Message, current_message
from infrastructure._core.codec import MsgpackCodec
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.messaging.letters import DeadLetter

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from ._load import Offsets
from ._making import PATIENCE, Make, held

pytestmark = pytest.mark.slow

POISON = ("k0", 1)


class Poisoned:
    """A handler that one message fails, or is never done with; it keeps which came, and when."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.calls: list[tuple[str, int]] = []
        self.attempts: list[int] = []
        self._hangs = hangs

    async def __call__(self, payload: Any) -> None:
        name = (payload[0], payload[1])
        self.calls.append(name)

        if name == POISON:
            self.attempts.append(current_message().attempt)

            if self._hangs:
                await asyncio.Event().wait()

            msg = "it is poison"
            raise LookupError(msg)


def load(keys: int = 5, each: int = 20) -> list[Message]:
    """Return messages, key by turns."""
    return [
        Message([f"k{key}", number], key=f"k{key}", headers={"number": str(number)})
        for number in range(each)
        for key in range(keys)
    ]


async def letters_of(messaging: KafkaMessaging, topic: str) -> list[DeadLetter]:
    """Return the dead letters of a topic."""
    async with messaging.dead_letters(topic) as box:
        return [letter async for some in box for letter in some]


async def test_F16_others_of_its_partition_go_on(
    kafka: KafkaEndpoint, kafka_topic: str, make: Make, group: str
) -> None:
    """While it waits for its next attempt all other keys end; its key's go on in order behind it."""
    handler = Poisoned()

    async with make(backoff=(1.0, 1.0)) as messaging:
        await messaging.subscribe(kafka_topic, handler)
        await messaging.publish_many(kafka_topic, load())
        others = [(f"k{key}", number) for number in range(20) for key in range(1, 5)]
        await until(lambda: set(handler.calls) >= set(others), PATIENCE)
        # The pause before its second attempt is half a second at least.
        assert [name for name in handler.calls if name[0] == "k0"] == [("k0", 0), POISON]
        await until(lambda: ("k0", 19) in handler.calls, PATIENCE)
        own = [name for name in handler.calls if name[0] == "k0"]
        assert own == [("k0", 0), *[POISON] * 3, *(("k0", number) for number in range(2, 20))]
        assert handler.attempts == [1, 2, 3]
        [letter] = await letters_of(messaging, kafka_topic)

    assert (letter.payload, letter.record.key) == ([*POISON], "k0")
    assert letter.headers == {"number": "1"}
    # The first five are number 0 of each key.
    assert letter.origin == (kafka_topic, "0", "5")
    assert (letter.group, letter.attempts) == (group, "3")
    assert (letter.error, letter.error_text) == ("builtins.LookupError", "it is poison")
    assert letter.handler.endswith("Poisoned")
    assert letter.first_failed
    offsets = Offsets(kafka, group, kafka_topic, 1)
    assert offsets.committed() == {0: 100}
    offsets.close()


async def test_F16_a_call_without_end(kafka_topic: str, make: Make) -> None:
    """``handler_timeout`` makes it a failed attempt."""
    handler = Poisoned(hangs=True)

    async with make(handler_timeout=0.2) as messaging:
        await messaging.subscribe(kafka_topic, handler)
        await messaging.publish_many(kafka_topic, load(keys=2, each=5))
        await until(lambda: ("k0", 4) in handler.calls, PATIENCE)
        [letter] = await letters_of(messaging, kafka_topic)

    assert handler.attempts == [1, 2, 3]
    assert letter.error == "infrastructure.interfaces.exceptions.TimeoutError"
    assert letter.payload == [*POISON]


async def test_F16_bytes_that_do_not_decode(
    kafka: KafkaEndpoint, kafka_topic: str, make: Make
) -> None:
    """They are dead-lettered as they are, and the handler never sees them."""
    handler = Poisoned()
    producer = kafka.producer()
    broken = b"\xc1 is nothing in msgpack"
    producer.produce(
        kafka_topic, broken, "k", headers=[("content-type", MsgpackCodec().content_type)]
    )
    assert producer.flush(PATIENCE) == 0

    async with make() as messaging:
        await messaging.subscribe(kafka_topic, handler)
        await messaging.publish(kafka_topic, ["k", 7])
        await until(lambda: handler.calls == [("k", 7)], PATIENCE)
        await until(lambda: not any(held(messaging).values()), PATIENCE)
        [letter] = await letters_of(messaging, kafka_topic)

    assert (letter.record.payload, letter.record.key, letter.attempts) == (broken, "k", "1")


async def test_F16_the_next_member_does_not_see_it(kafka_topic: str, make: Make) -> None:
    """What went to the dead letters is finished: no restart brings it back."""
    handler, later = Poisoned(), Poisoned()

    async with make() as messaging:
        await messaging.subscribe(kafka_topic, handler)
        await messaging.publish_many(kafka_topic, load(keys=1, each=3))
        await until(lambda: ("k0", 2) in handler.calls, PATIENCE)

    async with make() as messaging:
        await messaging.subscribe(kafka_topic, later)
        await messaging.publish(kafka_topic, ["k0", 3])
        await until(lambda: later.calls == [("k0", 3)], PATIENCE)
        assert len(await letters_of(messaging, kafka_topic)) == 1
