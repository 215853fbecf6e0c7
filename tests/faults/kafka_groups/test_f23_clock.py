"""F23: a wall clock that jumps changes nothing: time here is monotonic, and a record's is its producer's."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infrastructure import current_message

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from .._timing import within
from ._load import Offsets
from ._making import PATIENCE, Collector, Make

pytestmark = pytest.mark.slow


def _jump(patch: pytest.MonkeyPatch, seconds: float) -> None:
    real = time.time
    patch.setattr(time, "time", lambda: real() + seconds)
    patch.setattr(time, "time_ns", lambda: int((real() + seconds) * 10**9))


@pytest.mark.parametrize("seconds", [3600, -3600, 10**9])
async def test_F23_a_group_goes_on(
    kafka: KafkaEndpoint,
    kafka_topic: str,
    make: Make,
    group: str,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
) -> None:
    """What waits for its next attempt waits no longer, what is handled is committed, members join."""
    handler, failures = Collector(), list[Any]()

    async def fail_once(payload: Any) -> None:
        if payload == "again" and not failures:
            failures.append(payload)
            raise LookupError(payload)

        await handler(payload)

    offsets = Offsets(kafka, group, kafka_topic, 1)

    async with make(backoff=(0.5, 0.5)) as messaging:
        await messaging.subscribe(kafka_topic, fail_once)
        await messaging.publish(kafka_topic, "again")
        await until(lambda: failures, PATIENCE)
        _jump(monkeypatch, seconds)

        with within(1.0):
            await until(lambda: handler.ended == ["again"], PATIENCE)

        for number in range(10):
            await messaging.publish(kafka_topic, number)

        await until(lambda: handler.ended == ["again", *range(10)], PATIENCE)
        await until(offsets.are_at_end)

    async with make() as messaging:
        await messaging.subscribe(kafka_topic, handler)
        await messaging.publish(kafka_topic, "later")
        await until(lambda: handler.ended[11:] == ["later"], PATIENCE)

    offsets.close()


async def test_F23_producers_with_other_clocks(
    kafka: KafkaEndpoint, kafka_topic: str, make: Make
) -> None:
    """Their messages come in the order of the log, each with its own time."""
    now = datetime.now(UTC).replace(microsecond=0)
    moments = [now + timedelta(minutes=minutes) for minutes in (0, 50, -600, -1, 30)]
    producer, seen = kafka.producer(), list[Any]()

    for moment in moments:
        producer.produce(
            kafka_topic, b"m", "k", timestamp=int(moment.timestamp() * 1000), partition=0
        )

    assert producer.flush(PATIENCE) == 0

    async def handle(_payload: Any) -> None:
        seen.append(current_message().timestamp)

    async with make() as messaging:
        await messaging.subscribe(kafka_topic, handle)
        await until(lambda: len(seen) == len(moments), PATIENCE)

    assert seen == moments
