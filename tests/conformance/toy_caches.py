"""A minimal cache that keeps the core promises, and three that break one each."""

from __future__ import annotations

import fnmatch
import math
from typing import Any

from infrastructure._core.codec import decode, encode
from infrastructure._core.glob import compile_pattern
from infrastructure._core.names import check_key, check_ttl
from infrastructure.conformance._harness import CachingHarness
from infrastructure.interfaces import CachingInterface, ConnectionError, ValidationError
from infrastructure.testing.clock import FakeClock


class MinimalCache(CachingInterface):
    """The abstract methods and nothing else: no call of ``super().__init__`` either."""

    def __init__(self, data: dict[str, tuple[Any, float]], clock: FakeClock) -> None:
        self.data = data
        self.clock = clock
        self.connected = False

    async def connect(self) -> None:
        self.connected = True

    async def disconnect(self) -> None:
        self.connected = False

    async def get(self, key: str) -> Any | None:
        entry = self.live("get", key)
        return None if entry is None else self.thaw(entry[0])

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        self.live("set", key)
        seconds = self.seconds(check_ttl(ttl))
        self.data[key] = self.freeze(value), self.clock.monotonic() + seconds

    async def delete(self, key: str) -> bool:
        entry = self.live("delete", key)
        self.data.pop(key, None)
        return entry is not None

    async def exists(self, key: str) -> bool:
        return self.live("exists", key) is not None

    async def ttl(self, key: str) -> int | None:
        entry = self.live("ttl", key)

        if entry is None or entry[1] == math.inf:
            return None

        return math.ceil(entry[1] - self.clock.monotonic())

    async def scan_keys(self, pattern: str) -> list[str]:
        self.check("scan_keys")
        matches = self.matcher(pattern)
        return [key for key in list(self.data) if self.live("scan_keys", key) and matches(key)]

    def check(self, operation: str) -> None:
        if not self.connected:
            msg = f"{operation}: the cache is not connected; call connect() first"
            raise ConnectionError(msg)

    def live(self, operation: str, key: str) -> tuple[Any, float] | None:
        self.check(operation)
        entry = self.data.get(check_key(key))
        return None if entry is None or entry[1] <= self.clock.monotonic() else entry

    def seconds(self, ttl: int | None) -> float:
        return math.inf if ttl is None else ttl

    def freeze(self, value: Any) -> Any:
        return encode(value)

    def thaw(self, stored: Any) -> Any:
        return decode(stored)

    def matcher(self, pattern: str) -> Any:
        return compile_pattern(pattern)


class IgnoresTtl(MinimalCache):
    """Keeps everything for ever."""

    def seconds(self, ttl: int | None) -> float:
        return math.inf


class Aliases(MinimalCache):
    """Hands out the very objects that it was given."""

    def freeze(self, value: Any) -> Any:
        encode(value)
        return value

    def thaw(self, stored: Any) -> Any:
        return stored


class UsesFnmatch(MinimalCache):
    """Has the standard library's idea of a pattern."""

    def matcher(self, pattern: Any) -> Any:
        if not isinstance(pattern, str):
            msg = "a pattern is a str, nothing else"
            raise ValidationError(msg)

        return lambda key: fnmatch.fnmatchcase(key, pattern)


class ToyHarness(CachingHarness):
    """Makes one kind of toy; all instances of a harness share a dict."""

    level = "core"
    kind: type[MinimalCache] = MinimalCache

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.data: dict[str, tuple[Any, float]] = {}

    def make(self, **options: Any) -> MinimalCache:
        return self.kind(self.data, self.clock, **options)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)


class InheritsMixins(ToyHarness):
    """The minimal cache asked for what it inherits: batches and get_or_set."""

    features = ("batch", "get_or_set")
