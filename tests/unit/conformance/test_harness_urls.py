"""The options of the URL that is proved, beside what the checks want themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infrastructure.conformance.harnesses.kafka import KafkaHarness
from infrastructure.conformance.harnesses.memory import MemoryCacheHarness, MemoryMessagingHarness
from infrastructure.conformance.harnesses.postgres import PostgresHarness
from infrastructure.conformance.harnesses.redis import RedisHarness
from infrastructure.conformance.harnesses.sqlite import SQLiteHarness

HARNESSES = {
    "kafka://a,b?": KafkaHarness,
    "memory://x?": MemoryMessagingHarness,
    "memory://y?": MemoryCacheHarness,
    "postgresql://h/d?application_name=a%20b&": PostgresHarness,
    "postgresql://h/d?hypertables=require&": PostgresHarness,
    "redis://h?prefix=p&": RedisHarness,
}


def deadlines(harness: Any) -> tuple[float, float]:
    """Return that of the URL, and one that a check chooses."""
    return harness.make()._deadline, harness.make(deadline=1.0)._deadline


@pytest.mark.parametrize("url", HARNESSES)
def test_a_check_has_its_own_way(url: str) -> None:
    """Where it wants nothing else the URL counts."""
    make: Callable[[str], Any] = HARNESSES[url]
    assert deadlines(make(f"{url}deadline=5")) == (5.0, 1.0)


async def test_so_it_has_with_a_file_of_its_own() -> None:
    """Whose URL is another."""
    harness = SQLiteHarness("sqlite://?deadline=5")
    await harness.open()

    try:
        assert deadlines(harness) == (5.0, 1.0)
    finally:
        await harness.close()


def test_topics_are_made_as_the_url_says() -> None:
    """Brokers may want three replicas; the group is the check's own."""
    harness = KafkaHarness("kafka://a,b?replication=3&partitions=6&group_id=mine")
    settings = harness.make(group_id="x")._settings
    assert (settings.replication, settings.partitions) == (3, 6)
    assert settings.group == harness.group("x")
    usual = KafkaHarness("kafka://a,b").make()._settings
    assert (usual.create_topics, usual.replication, usual.partitions) == (True, 1, 4)


def test_a_prefix_stays_before_that_of_the_check() -> None:
    """A user may be allowed no other keys."""
    prefix = RedisHarness("redis://h?prefix=p%3A&mode=pooled").make()._options.prefix
    assert prefix.startswith("p:conform:")
