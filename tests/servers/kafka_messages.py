"""A few messages to a topic and back, by the blocking client, for who tests a broker."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

__all__ = ["read", "send"]


def send(producer: Producer, topic: str, texts: Iterable[str], within: float = 20.0) -> list[str]:
    """Send them all; return those that were acknowledged, by their partition and offset."""
    acknowledged: list[Message] = []
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is None:
            acknowledged.append(message)
        else:
            failed.append(error)

    for text in texts:
        producer.produce(topic, text.encode(), on_delivery=delivered)

    left = producer.flush(within)

    if left or failed:
        raise KafkaException(failed[0] if failed else KafkaError(KafkaError._MSG_TIMED_OUT))

    return [_text(message) for message in sorted(acknowledged, key=_place)]


def read(consumer: Consumer, topic: str, count: int, within: float = 20.0) -> list[str]:
    """Return the first ``count`` messages, as a member of its group; fewer where no more come."""
    consumer.subscribe([topic])
    texts: list[str] = []

    while len(texts) < count:
        message = consumer.poll(within)

        if message is None:
            break

        if error := message.error():
            raise KafkaException(error)

        texts.append(_text(message))

    return texts


def _text(message: Message) -> str:
    value = message.value()
    assert isinstance(value, bytes)
    return value.decode()


def _place(message: Message) -> tuple[int, int]:
    return message.partition() or 0, message.offset() or 0
