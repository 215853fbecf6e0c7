"""The cache on Redis and Valkey."""

from __future__ import annotations

from .cache import RedisCache
from .stats import NearStats

__all__ = ["NearStats", "RedisCache"]
