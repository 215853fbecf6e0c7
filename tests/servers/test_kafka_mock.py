"""A mock broker does what real ones do, and answers with the errors that it is told."""

from __future__ import annotations

from contextlib import closing

import pytest
from confluent_kafka import KafkaException

from . import shared
from .kafka_messages import read, send
from .kafka_mock import KafkaMocks

pytestmark = pytest.mark.slow

# The first answer counts.
AT_ONCE = {"retries": 0}


def test_what_was_sent_is_read() -> None:
    """By each group; the broker counts what it was asked."""
    with shared.kafka_mocks().broker(["t"]) as mock:
        assert send(mock.producer(), "t", "ab") == ["a", "b"]

        for group in ("first", "second"):
            with closing(mock.consumer(group)) as consumer:
                assert read(consumer, "t", 2) == ["a", "b"]

        assert mock.asked("JoinGroup") >= 2
        assert mock.asked("InitProducerId") == 0


def test_errors_are_answered_as_often_as_told() -> None:
    """One request each, after some without; then no more, or none any longer."""
    with shared.kafka_mocks().broker(["t"]) as mock:
        producer = mock.producer(AT_ONCE)
        mock.answer("Produce", "POLICY_VIOLATION", 2, after=1)
        assert send(producer, "t", "a") == ["a"]

        for _ in range(2):
            with pytest.raises(KafkaException, match="POLICY_VIOLATION"):
                send(producer, "t", "b")

        assert send(producer, "t", "c") == ["c"]
        mock.answer("Produce", "POLICY_VIOLATION", 9)
        mock.heal()
        assert send(producer, "t", "d") == ["d"]


def test_a_topic_may_be_refused() -> None:
    """To whoever asks for it, until it is not."""
    with shared.kafka_mocks().broker(["t"]) as mock:
        mock.refuse("t", "TOPIC_AUTHORIZATION_FAILED")
        told = mock.admin().list_topics("t", timeout=5).topics["t"].error
        assert told is not None
        assert told.name() == "TOPIC_AUTHORIZATION_FAILED"
        mock.refuse("t", None)
        assert mock.admin().list_topics("t", timeout=5).topics["t"].error is None


async def test_nothing_is_left() -> None:
    """Neither a process nor its folder."""
    async with KafkaMocks() as mocks:
        with mocks.broker(["t"]) as mock:
            assert send(mock.producer(), "t", "a") == ["a"]

        process = mocks.process

    assert not process.is_running
