"""The counters of a server by their former name."""

from __future__ import annotations

from infrastructure.testing.redis import RedisCounters as Counters, RedisReading as Reading

__all__ = ["Counters", "Reading"]
