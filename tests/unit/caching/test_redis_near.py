"""What a near cache keeps, serves and lets go, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from infrastructure.caching.memory import MemoryCache
from infrastructure.caching.redis import NearStats, RedisCache, _near
from infrastructure.caching.redis._near import Near
from infrastructure.caching.redis._near_store import NearStore, make_near
from infrastructure.interfaces import ConfigurationError

from .speaker import speaking

FOREVER = -1


async def fresh(near: Near) -> Near:
    """Let it hear one answer, which counts for a second."""
    answered = asyncio.Event()

    async def beat() -> bool:
        asyncio.get_running_loop().call_soon(answered.set)
        return True

    await near.open()
    watching = asyncio.create_task(near.watch(beat))
    await answered.wait()
    watching.cancel()
    return near


async def put(near: Near, key: str, value: Any, milliseconds: int = FOREVER) -> None:
    """Keep a value as a read does."""
    await near.keep(key, near.ticket(key), value, milliseconds)


async def test_a_hit_is_the_callers_own() -> None:
    """What one caller changes is not what the next one gets."""
    near = await fresh(Near("p:", 10))
    await put(near, "rows", [{"n": 1}])
    await put(near, "text", "x")

    near.find("rows").append(2)  # type: ignore[union-attr]

    assert near.find("rows") == [{"n": 1}]
    assert near.find("text") == "x"
    assert await near.fetch("text") is None, "what is found need not be waited for"
    assert near.stats == NearStats(entries=2, hits=3)


async def test_nothing_is_served_before_an_answer() -> None:
    """Without an answered question nobody knows what the server has reported."""
    near = Near("", 10)
    await put(near, "k", 1)

    assert near.find("k") is None
    assert near.valid("k") is None
    assert near.stats == NearStats()


@pytest.mark.parametrize("key", [5, b"k", ["k"]])
async def test_only_a_str_is_found(key: Any) -> None:
    """A key of another type is not looked up: it is the caller who refuses it."""
    near = await fresh(Near("", 10))

    assert near.find(key) is None


async def test_a_value_dies_by_the_local_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No longer than the server keeps it, counted from before the reading; what is gone is not kept."""
    now = 100.0
    monkeypatch.setattr(_near, "monotonic", lambda: now)
    near = await fresh(Near("", 10))
    ticket = near.ticket("short")
    now += 0.015
    await near.keep("short", ticket, "x", 20)
    await put(near, "gone", "x", 0)

    assert near.find("gone") is None
    now += 0.004
    assert near.find("short") == "x"
    now += 0.002
    assert near.find("short") is None
    assert near.valid("short") is None


@pytest.mark.parametrize("lose", [lambda near: near.drop("k"), lambda near: near.flush()])
async def test_a_change_while_it_is_read_keeps_nothing(lose: Callable[[Near], None]) -> None:
    """The ticket is gone with the change, and so is what was read then."""
    near = await fresh(Near("", 10))
    ticket = near.ticket("k")
    lose(near)
    await near.keep("k", ticket, "old", FOREVER)

    assert near.find("k") is None


async def test_the_last_reader_counts() -> None:
    """Of two who read at once the one who began last is believed; the other keeps nothing."""
    near = await fresh(Near("", 10))
    first, second = near.ticket("k"), near.ticket("k")
    await near.keep("k", first, "first", FOREVER)
    assert near.find("k") is None

    await near.keep("k", second, "second", FOREVER)
    assert near.find("k") == "second"


async def test_reports_name_keys_with_their_prefix() -> None:
    """Others' keys, and what is not UTF-8, touch nothing; ``None`` is everything."""
    near = await fresh(Near("p:", 10))
    await put(near, "سلام", 1)
    await put(near, "b", 2)

    near.changed([b"b", "q:سلام".encode(), b"p:\xff"])
    assert near.stats.entries == 2

    near.changed(["p:سلام".encode()])
    assert (near.find("سلام"), near.find("b")) == (None, 2)

    near.changed(None)
    near.changed(None)
    assert near.find("b") is None
    assert near.stats == NearStats(hits=1, drops=1, flushes=1)


async def test_what_a_flush_left_is_replaced() -> None:
    """A value of before is not served, counts as no drop, and gives way to a new one."""
    near = await fresh(Near("", 10))
    await put(near, "a", 1)
    await put(near, "b", 2)
    near.flush()
    near.drop("a")
    assert near.valid("b") is None

    await put(near, "b", 3)
    assert near.find("b") == 3
    assert (near.stats.entries, near.stats.drops) == (1, 0)


async def test_the_unused_go_first() -> None:
    """Where there is no room, the oldest that nobody asked for goes."""
    near = await fresh(Near("", 3))

    for key in "abc":
        await put(near, key, key)

    near.find("a")
    await put(near, "d", "d")

    assert [near.find(key) for key in "abcd"] == ["a", None, "c", "d"]


async def test_where_all_are_in_use_one_goes_all_the_same() -> None:
    """Looking for one that is not in use takes a bounded number of steps."""
    near = await fresh(Near("", 40))

    for number in range(40):
        await put(near, f"k{number}", number)
        near.find(f"k{number}")

    await put(near, "new", "x")

    assert near.find("new") == "x"
    assert near.stats.entries == 40


async def test_bytes_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few large values push out the others, however many entries there may be."""
    monkeypatch.setattr("infrastructure.caching.redis._near._ROOM", 10_000)
    near = await fresh(Near("", 100))

    for number in range(5):
        await put(near, f"k{number}", "x" * 3_000)

    assert near.stats.entries == 3
    assert near.find("k4") == "x" * 3_000


async def test_what_cannot_be_kept_harms_nobody() -> None:
    """A value that a codec of the user's own brought, of a type that is not isolated here."""
    near = await fresh(Near("", 10))
    await put(near, "k", object())

    assert near.find("k") is None
    assert near.ticket("k") is not None


@pytest.mark.parametrize(("ago", "left"), [(0.0, 1), (2.0, 0)])
async def test_no_answer_ends_the_hits(ago: float, left: int) -> None:
    """When the last answer is too old, everything is forgotten; until then one may be missing."""
    near = await fresh(Near("", 10))
    await put(near, "k", 1)
    near.until -= ago
    asked = asyncio.Event()

    async def beat() -> bool:
        asyncio.get_running_loop().call_soon(asked.set)
        return False

    watching = asyncio.create_task(near.watch(beat))
    await asked.wait()
    watching.cancel()

    assert near.stats == NearStats(entries=left, flushes=1 - left)


async def test_closing_gives_back_the_values() -> None:
    """Another connect begins with nothing."""
    near = await fresh(Near("", 10))
    await put(near, "k", 1)
    await near.close()
    await fresh(near)

    assert near.find("k") is None
    assert near.stats.entries == 0


def test_the_options_make_one() -> None:
    """Of its own, of a store, or none."""
    assert type(make_near("", None, 5)) is Near
    assert type(make_near("", MemoryCache(), 0)) is NearStore
    assert make_near("", None, 0) is None


async def test_an_error_names_the_call_that_was_made() -> None:
    """A get_or_set that is refused as it looks is no get."""
    async with (
        speaking(lambda command: b"-NOPERM no\r\n" if command[0] == b"GET" else b"+OK\r\n") as one,
        RedisCache(one.url, near_entries=10) as cache,
    ):
        for call in (cache.get("k"), cache.get_or_set("k", nothing)):
            with pytest.raises(ConfigurationError) as caught:
                await call

            assert caught.value.operation == call.__name__
            assert str(caught.value).startswith(f"{call.__name__} on ")


async def nothing() -> None:
    """Make no value."""
