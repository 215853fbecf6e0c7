"""Waiting for what servers agree on among themselves, of which nobody tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import redis
from confluent_kafka import KafkaException

__all__ = ["until"]


async def until(condition: Callable[[], object], within: float = 10.0) -> None:
    """Return when ``condition`` holds; a server that does not answer yet is asked again."""
    async with asyncio.timeout(within):
        while not _holds(condition):  # noqa: ASYNC110 - what servers do has no event here
            await asyncio.sleep(0.02)


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except (redis.RedisError, KafkaException):
        return False
