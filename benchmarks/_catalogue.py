"""Every question there is, and those that a pattern selects."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TypeVar

from . import (
    cache,
    cache_stall,
    codec,
    kafka_consume,
    kafka_memory,
    kafka_poison,
    kafka_publish,
    messaging,
    postgres_batches,
    postgres_bulk,
    postgres_flights,
    postgres_inserts,
    postgres_reads,
    postgres_upserts,
    redis_calls,
    redis_cluster,
    redis_near,
    redis_open_loop,
    redis_scan,
    sqlite_bulk,
    sqlite_inserts,
    sqlite_reads,
)
from ._question import Fact, Question

__all__ = ["FACTS", "QUESTIONS", "selected"]

QUESTIONS: tuple[Question, ...] = (
    *cache.QUESTIONS,
    *messaging.QUESTIONS,
    *sqlite_reads.QUESTIONS,
    *sqlite_inserts.QUESTIONS,
    *sqlite_bulk.QUESTIONS,
    *codec.QUESTIONS,
    *redis_calls.QUESTIONS,
    *redis_open_loop.QUESTIONS,
    *redis_cluster.QUESTIONS,
    *redis_near.QUESTIONS,
    *redis_scan.QUESTIONS,
    *postgres_reads.QUESTIONS,
    *postgres_bulk.QUESTIONS,
    *postgres_batches.QUESTIONS,
    *postgres_upserts.QUESTIONS,
    *postgres_inserts.QUESTIONS,
    *postgres_flights.QUESTIONS,
    *kafka_publish.QUESTIONS,
    *kafka_consume.QUESTIONS,
    *cache_stall.QUESTIONS,
)

FACTS: tuple[Fact, ...] = (
    *codec.FACTS,
    *postgres_flights.FACTS,
    *kafka_memory.FACTS,
    *kafka_poison.FACTS,
)

Asked = TypeVar("Asked", Question, Fact)


def selected(items: Iterable[Asked], pattern: str) -> list[Asked]:
    """Return those whose name contains ``pattern``, or matches it where it has a wildcard."""
    wild = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    return [item for item in items if fnmatchcase(item.name, wild)]
