"""What a Redis or Valkey counted, for tests that ask how often it was asked; needs the extra ``redis``."""

from __future__ import annotations

from ..caching.redis.counters import RedisCounters, RedisReading

__all__ = ["RedisCounters", "RedisReading"]
