"""Whatever is done to a memory cache, in any order: it holds what a plain dict would hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from fractions import Fraction
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from infrastructure.caching.memory import MemoryCache
from infrastructure.conformance._values import same
from infrastructure.interfaces import ConnectionError, ValidationError
from infrastructure.testing.clock import FakeClock, settle

from .cache_arguments import bad_calls, keys, mappings, scan_patterns, seconds, ttls, values
from .cache_model import MISS, CacheModel, spoil
from .glob_oracle import matches
from .machine import AsyncMachine, error_of, machine_settings

handles = st.integers(0, 1)
connected = precondition(lambda self: self.on)


class Failure(Exception):
    """A factory's own."""


class MemoryCacheMachine(AsyncMachine):
    """Two handles on one named cache, and a model of what both should see."""

    async def start(self) -> None:
        self.clock = FakeClock()
        self.model = CacheModel()
        name = f"memory://{uuid4().hex}"
        self.handles = [MemoryCache(name, clock=self.clock) for _ in range(2)]
        self.on: list[MemoryCache] = []
        await self._connect(0)
        await self._connect(1)

    async def _connect(self, which: int) -> None:
        await self.handles[which].connect()
        self.on = [each for each in self.handles if each in self.on or each is self.handles[which]]

    def ask(self, which: int, method: str, *arguments: Any) -> Any:
        """Return what one of the connected handles answers."""
        return self.await_(getattr(self.on[which % len(self.on)], method)(*arguments))

    @connected
    @rule(which=handles, key=keys, value=values, ttl=ttls)
    def set(self, which: int, key: str, value: Any, ttl: int | None) -> None:
        """What is stored stays as it was, whatever happens to the object that was given."""
        given = deepcopy(value)
        assert self.ask(which, "set", key, given, ttl) is None
        spoil(given)
        self.model.put(key, value, ttl)

    @connected
    @rule(which=handles, key=keys)
    def get(self, which: int, key: str) -> None:
        """What is returned is the caller's own copy: it may be spoiled."""
        found, wanted = self.ask(which, "get", key), self.model.use(key)
        assert same(found, None if wanted is MISS else wanted)
        spoil(found)

    @connected
    @rule(which=handles, key=keys)
    def exists(self, which: int, key: str) -> None:
        assert self.ask(which, "exists", key) is (self.model.look(key) is not MISS)

    @connected
    @rule(which=handles, key=keys)
    def ttl(self, which: int, key: str) -> None:
        assert same(self.ask(which, "ttl", key), self.model.ttl(key))

    @connected
    @rule(which=handles, key=keys)
    def delete(self, which: int, key: str) -> None:
        assert self.ask(which, "delete", key) is self.model.drop(key)

    @connected
    @rule(which=handles, pattern=scan_patterns)
    def scan(self, which: int, pattern: str) -> None:
        found = self.ask(which, "scan_keys", pattern)
        assert all(type(key) is str for key in found)
        assert sorted(found) == sorted(key for key in self.model.live() if matches(pattern, key))

    @connected
    @rule(which=handles, wanted=st.lists(keys, max_size=5))
    def get_many(self, which: int, wanted: list[str]) -> None:
        found = self.ask(which, "get_many", iter(wanted))
        looked = {str(key): self.model.use(key) for key in wanted}
        hits = {key: value for key, value in looked.items() if value is not MISS}
        assert same({str(key): value for key, value in found.items()}, hits)
        spoil(found)

    @connected
    @rule(which=handles, mapping=mappings, ttl=ttls)
    def set_many(self, which: int, mapping: dict[str, Any], ttl: int | None) -> None:
        given = deepcopy(mapping)
        self.ask(which, "set_many", given, ttl)
        spoil(given)

        for key, value in mapping.items():
            self.model.put(key, value, ttl)

    @connected
    @rule(which=handles, wanted=st.lists(keys, max_size=5))
    def delete_many(self, which: int, wanted: list[str]) -> None:
        removed = sum([self.model.drop(key) for key in wanted])
        assert same(self.ask(which, "delete_many", iter(wanted)), removed)

    @connected
    @rule(which=handles, key=keys, value=values, ttl=ttls)
    def get_or_set(self, which: int, key: str, value: Any, ttl: int | None) -> None:
        """A hit calls no factory; what was made is stored, and not shared with its maker."""
        made, calls, wanted = deepcopy(value), [], self.model.use(key)

        async def factory() -> Any:
            calls.append(key)
            return made

        found = self.ask(which, "get_or_set", key, factory, ttl)
        spoil(made)
        assert len(calls) == (wanted is MISS)

        if wanted is MISS:
            self.model.put(key, value, ttl)

        assert same(found, value if wanted is MISS else wanted)
        spoil(found)

    @connected
    @rule(which=handles, key=keys, ttl=ttls, error=st.sampled_from([Failure, ValidationError]))
    def get_or_set_fails(
        self, which: int, key: str, ttl: int | None, error: type[Exception]
    ) -> None:
        """The factory's error, or one for what it returns, reaches the caller; nothing is kept."""
        wanted = self.model.use(key)

        async def factory() -> Any:
            if error is Failure:
                raise Failure

            return object()

        try:
            found = self.ask(which, "get_or_set", key, factory, ttl)
        except error:
            found = MISS

        assert found is wanted if wanted is MISS else same(found, wanted)

    @connected
    @rule(
        key=keys,
        value=values,
        ttl=ttls,
        waiters=st.lists(handles, min_size=1, max_size=3),
        cancelled=st.booleans(),
        meanwhile=st.sampled_from(["nothing", "set", "set_many", "delete", "delete_many"]),
    )
    def race(
        self,
        key: str,
        value: Any,
        ttl: int | None,
        waiters: list[int],
        cancelled: bool,
        meanwhile: str,
    ) -> None:
        """However many wait, one factory runs; who writes or gives up meanwhile decides for all."""
        self.delete(waiters[0], key)
        self.model.misses += len(waiters)
        gate, calls = asyncio.Event(), []

        async def factory() -> Any:
            calls.append(key)
            await gate.wait()
            return deepcopy(value)

        async def start() -> list[asyncio.Task[Any]]:
            chosen = [self.on[which % len(self.on)] for which in waiters]
            tasks = [asyncio.create_task(each.get_or_set(key, factory, ttl)) for each in chosen]
            await settle()
            return tasks

        tasks = self.await_(start())
        self.change(meanwhile, waiters[-1], key)
        given_up = tasks.pop(0) if cancelled and len(tasks) > 1 else None
        found = self.await_(self._let_go(gate, tasks, given_up))
        assert len(calls) == 1
        assert all(same(each, value) for each in found)

        for each in found:
            spoil(each)

        if meanwhile == "nothing":
            self.model.put(key, value, ttl)

    def change(self, method: str, which: int, key: str) -> None:
        """Write to ``key`` by one of the methods, or not at all."""
        if method == "set":
            self.set(which, key, "newer", None)
        elif method == "set_many":
            self.set_many(which, {key: "newer"}, None)
        elif method == "delete":
            self.delete(which, key)
        elif method == "delete_many":
            self.delete_many(which, [key])

    async def _let_go(
        self,
        gate: asyncio.Event,
        tasks: list[asyncio.Task[Any]],
        given_up: asyncio.Task[Any] | None,
    ) -> list[Any]:
        if given_up is not None:
            given_up.cancel()
            await asyncio.wait({given_up})
            assert given_up.cancelled()

        gate.set()
        return await asyncio.gather(*tasks)

    @connected
    @rule(which=handles, call=bad_calls())
    def refuse(self, which: int, call: tuple[str, tuple[Any, ...]]) -> None:
        """An argument that is not legal is refused, and changes nothing."""
        name, arguments = call
        made: list[None] = []

        async def factory() -> None:
            made.append(None)

        if name == "get_or_set":
            arguments = (arguments[0], factory, *arguments[2:])

        method: Callable[..., Awaitable[Any]] = getattr(self.on[which % len(self.on)], name)
        error = self.await_(error_of(lambda: method(*arguments)))
        assert isinstance(error, ValidationError), f"{name}{arguments!r:.200} gave {error!r}"
        assert not made

    @rule(quarters=seconds)
    def advance(self, quarters: str) -> None:
        """Time passes, connected or not."""
        self.model.now += Fraction(quarters)
        self.await_(self.clock.advance(float(Fraction(quarters))))

    @connected
    @rule(
        which=handles,
        key=keys,
        value=values,
        ttl=st.integers(2, 4),
        early=st.sampled_from(["0", "0", "-1/4", "1/4", "5/4"]),
        watched=st.booleans(),
        then=st.sampled_from(["get", "exists", "ttl", "delete", "scan", "get_many", "delete_many"]),
    )
    def expire(
        self, which: int, key: str, value: Any, ttl: int, early: str, watched: bool, then: str
    ) -> None:
        """Around the instant of its expiry every method sees the same of a key."""
        self.set(which, key, value, ttl)
        on = self.on

        # What is swept meanwhile is found by nobody: unwatched, each method must look itself.
        for each in () if watched else on:
            self.await_(each.disconnect())

        self.advance(str(ttl - Fraction(early)))

        for each in on:
            self.await_(each.connect())

        argument = {"scan": "*", "get_many": [key], "delete_many": [key]}.get(then, key)
        getattr(self, then)(which, argument)

    @connected
    @rule()
    def tidy(self) -> None:
        """A connected cache lets go of what expired, asked for or not."""
        self.advance("4")
        stats = self.on[0].stats
        assert len(self.model.live()) <= stats.entries <= len(self.model.live(expired=3))

    @rule(which=handles)
    def disconnect(self, which: int) -> None:
        """A disconnected handle answers nothing; the entries stay."""
        handle = self.handles[which]
        self.on = [each for each in self.on if each is not handle]
        self.await_(handle.disconnect())
        calls: dict[str, tuple[Any, ...]] = {
            "get": ("a",),
            "set": ("a", 1),
            "delete": ("a",),
            "exists": ("a",),
            "ttl": ("a",),
            "scan_keys": ("*",),
            "get_many": (["a"],),
            "set_many": ({"a": 1},),
            "delete_many": (["a"],),
            "get_or_set": ("a", handle.connect),
        }

        for name, arguments in calls.items():
            method, given = getattr(handle, name), arguments
            error = self.await_(error_of(lambda method=method, given=given: method(*given)))
            assert isinstance(error, ConnectionError)
            assert name in str(error)

    @rule(which=handles)
    def connect(self, which: int) -> None:
        self.await_(self._connect(which))

    async def compare(self) -> None:
        """Everything is there and nothing else; what was counted is what was asked."""
        await self._connect(0)
        stats = self.handles[1].stats
        assert (stats.hits, stats.misses, stats.evictions) == (
            self.model.hits,
            self.model.misses,
            0,
        )
        found = await self.handles[0].get_many(await self.handles[0].scan_keys("*"))
        assert same(found, {key: self.model.look(key) for key in self.model.live()})
        await self.handles[0].delete_many(found)
        await self._connect(1)
        await self.clock.advance(2.0**31 + 4)
        assert (stats := self.handles[1].stats).entries == 0
        assert stats.bytes == 0

    async def stop(self) -> None:
        for each in self.handles:
            await each.disconnect()


TestMemoryCache = MemoryCacheMachine.TestCase
TestMemoryCache.settings = machine_settings(0.5)
