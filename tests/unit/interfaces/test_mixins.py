"""What the inherited batches and get_or_set do at their edges."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infrastructure._core.codec import encode
from infrastructure.interfaces import ConnectionError, InfrastructureError, escape_pattern
from infrastructure.testing.clock import FakeClock
from tests.conformance.toy_caches import MinimalCache


async def made() -> str:
    return "made"


async def test_a_flight_that_landed_just_before_is_a_hit() -> None:
    """The key is looked for again before the factory is called."""
    cache = MinimalCache({}, FakeClock())

    async with cache:
        waiter = asyncio.create_task(cache.get_or_set("a", made))
        await asyncio.sleep(0)
        cache.data["a"] = encode("landed"), float("inf")
        assert await waiter == "landed"


@pytest.mark.parametrize("operation", ["get_many", "set_many", "delete_many"])
async def test_a_failure_in_the_middle_names_what_was_not_done(operation: str) -> None:
    """The outcome of the whole is unknown then; at the first key it is that key's."""

    class Breaks(MinimalCache):
        left = 2

        def check(self, operation: str) -> None:
            self.left -= 1

            if self.left < 0:
                msg = f"{operation}: the server went away"
                raise ConnectionError(msg, outcome="not_applied")

    keys: Any = ["a", "b", "c", "d"]
    arguments = dict.fromkeys(keys, 1) if operation == "set_many" else keys
    cache = Breaks({key: (encode(1), float("inf")) for key in keys}, FakeClock())

    for failed, outcome in ((("c", "d"), "unknown"), (tuple(keys), "not_applied")):
        with pytest.raises(InfrastructureError) as caught:
            await getattr(cache, operation)(arguments)

        assert caught.value.failed_keys == failed
        assert caught.value.outcome == outcome
        assert caught.value.operation == operation


def test_an_escaped_text_is_a_pattern_of_itself() -> None:
    """Five characters are special, no more."""
    assert escape_pattern("a*b?[c]\\d-e^f!") == "a\\*b\\?\\[c\\]\\\\d-e^f!"
