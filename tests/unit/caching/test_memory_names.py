"""What a memory cache shares by its name, and what its URL may say."""

from __future__ import annotations

import asyncio
import gc
import uuid

import pytest

from infrastructure.caching.memory import MemoryCache
from infrastructure.interfaces import (
    ConfigurationError,
    ValidationError,
)
from infrastructure.testing.clock import FakeClock


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}"


async def keys(cache: MemoryCache) -> set[str]:
    return set(await cache.scan_keys("*"))


class TestNames:
    """memory://name is one cache for all instances of that name."""

    async def test_instances_of_a_name_share(self, url) -> None:
        """Data, statistics, and the limits of the first."""
        async with MemoryCache(url, max_entries=2) as one, MemoryCache(url) as two:
            await one.set_many({"a": 1, "b": 2, "c": 3})
            assert await keys(two) == {"b", "c"}
            assert two.stats == one.stats
            assert MemoryCache(url, max_entries=2).stats.entries == 2

    async def test_private_ones_do_not(self) -> None:
        """memory:// is an instance's own."""
        async with MemoryCache() as one, MemoryCache() as two:
            await one.set("a", 1)
            assert await two.get("a") is None

    async def test_data_lives_as_long_as_an_instance(self, url) -> None:
        """Over disconnect and connect; not longer than the last instance."""
        cache = MemoryCache(url)

        async with cache:
            await cache.set("a", 1)

        async with MemoryCache(url) as other:
            assert await other.get("a") == 1

        del cache, other
        gc.collect()

        async with MemoryCache(url) as fresh:
            assert await fresh.get("a") is None

    def test_conflicting_settings_are_refused(self, url) -> None:
        """Limits and clock of the first instance stand."""
        first = MemoryCache(url, max_entries=10, clock=FakeClock())

        with pytest.raises(ConfigurationError, match="max_entries=10, not 20"):
            MemoryCache(url, max_entries=20)

        with pytest.raises(ConfigurationError, match="max_bytes"):
            MemoryCache(f"{url}?max_bytes=5000")

        with pytest.raises(ConfigurationError, match="clock"):
            MemoryCache(url, clock=FakeClock())

        assert repr(first) == f"<MemoryCache {url} closed>"

    def test_two_loops_do_not_share_at_once(self, url) -> None:
        """A name serves one loop at a time; a closed one leaves it to the next."""
        cache, other = MemoryCache(url), MemoryCache(url)

        async def use() -> None:
            await cache.connect()
            await cache.set("a", 1, 60)
            await asyncio.to_thread(asyncio.run, refused())

        async def refused() -> None:
            with pytest.raises(ConfigurationError, match="another event loop"):
                await other.connect()

        async def again() -> None:
            async with other:
                assert await other.get("a") == 1
                # The one that was left connected in the closed loop.
                with pytest.raises(ConfigurationError, match="another event loop"):
                    await cache.get("a")

                await cache.connect()
                assert await cache.get("a") == 1
                await cache.disconnect()
                assert await other.get("a") == 1

        asyncio.run(use())
        asyncio.run(again())


class TestUrls:
    """Every option but the clock may stand in the URL."""

    async def test_options_are_read_from_the_url(self) -> None:
        """As the keyword would be."""
        cache = MemoryCache("memory://?max_entries=1&max_bytes=none&deadline=2.5")
        assert cache._deadline == 2.5

        async with cache:
            await cache.set_many({"a": 1, "b": 2})
            assert await keys(cache) == {"b"}

        assert MemoryCache("memory://?max_entries=7", max_entries=7)._store.max_entries == 7

    @pytest.mark.parametrize(
        ("url", "text"),
        [
            ("memory://?max_entry=1", "no option 'max_entry'; there are: deadline, max_bytes"),
            ("memory://?max_entries=many", "max_entries='many' .* is not a whole number"),
            ("memory://?max_entries=0", "max_entries= is a positive int"),
            ("memory://?max_bytes=-1", "max_bytes= is a positive int"),
            ("memory://?deadline=soon", "is not a number of seconds"),
            ("memory://?deadline=none", "is not a number of seconds"),
            ("memory://?clock=x", "no option 'clock'"),
            ("memory://a,b", "memory://name"),
            ("memory://a:1", "memory://name"),
            ("memory://a/b", "memory://name"),
            ("memory://user:secret@a", "memory://name"),
            ("redis://a", "memory://name"),
            ("a", "scheme://"),
        ],
    )
    def test_a_bad_url_is_a_configuration_error(self, url, text) -> None:
        """That says what there is."""
        with pytest.raises(ConfigurationError, match=text) as caught:
            MemoryCache(url)

        assert "secret" not in str(caught.value)

    def test_bad_options_are_refused(self) -> None:
        """Here too, and when the URL says otherwise."""
        for options in ({"max_entries": 0}, {"max_bytes": 1.5}, {"max_entries": True}):
            with pytest.raises(ConfigurationError, match="positive int"):
                MemoryCache(**options)

        with pytest.raises(ConfigurationError, match="say it once"):
            MemoryCache("memory://?max_entries=5", max_entries=6)

        with pytest.raises(ValidationError):
            MemoryCache("memory://?deadline=-1")


async def test_a_bad_ttl_is_refused_on_a_hit_too() -> None:
    """get_or_set looks at its arguments first: no factory runs, and no miss is counted."""

    async def factory() -> int:
        return 1

    async with MemoryCache() as cache:
        await cache.set("key", 1)

        for key in ("key", "missing"):
            with pytest.raises(ValidationError):
                await cache.get_or_set(key, factory, -1)

        assert (cache.stats.hits, cache.stats.misses) == (0, 0)
