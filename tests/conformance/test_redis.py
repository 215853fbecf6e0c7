"""The Redis cache keeps every promise of a cache, on each kind of server and in each mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infrastructure.conformance import Check, caching, run_check
from infrastructure.conformance.harnesses.redis import RedisHarness
from infrastructure.conformance.pytest import conformance

from ..servers import shared


class OnServer(RedisHarness):
    """Knows its server when a check begins: none is started to count the tests."""

    def __init__(self, server: Callable[[], Any], query: str = "") -> None:
        self._server, self._query = server, query

    async def open(self) -> None:
        super().__init__(f"{self._server().url}{self._query}")


# Every check, where each part of the cache is first met: a link to one server, to each node of a
# Cluster, connections of redis-py's, values kept near.
test_valkey = conformance(lambda: OnServer(shared.valkey))
test_redis_7 = conformance(lambda: OnServer(shared.debian_redis))
test_cluster = conformance(lambda: OnServer(shared.valkey_cluster))
test_pooled = conformance(lambda: OnServer(shared.debian_redis, "?mode=pooled"))
test_near_cache = conformance(lambda: OnServer(shared.valkey, "?near_entries=1000"))

# The same parts, put together otherwise.
COMBINATIONS: dict[str, Callable[[], OnServer]] = {
    "sentinel": lambda: OnServer(shared.valkey_sentinel),
    "near cache on a cluster": lambda: OnServer(shared.valkey_cluster, "?near_entries=1000"),
    "pooled on a cluster": lambda: OnServer(shared.valkey_cluster, "?mode=pooled"),
    "pooled behind sentinels": lambda: OnServer(shared.valkey_sentinel, "?mode=pooled"),
}

BY_ROUTE = {"C7", "C8", "C9", "G3", "G5", "G7", "G8", "G10"}
"""Lines whose promises depend on who is asked, over which connection, and when that ends.

What the others are about, what is refused, how a value travels and when it expires, is settled
before a node is chosen or by the server alone: there a combination shows by the first check of
each line that it is wired up.
"""


def asked(checks: tuple[Check, ...]) -> list[Check]:
    """Return the checks that a combination is asked."""
    first = {check.line: check for check in reversed(checks) if check.kind == "conformance"}
    return [
        check
        for check in checks
        if check.kind == "conformance" and (check.line in BY_ROUTE or check is first[check.line])
    ]


@pytest.mark.parametrize("check", asked(caching.CHECKS), ids=lambda check: check.name)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_a_combination(combination: str, check: Check) -> None:
    """What depends on the route, and one check of each other line."""
    result = run_check(check, COMBINATIONS[combination])

    if result.error is not None:
        raise result.error


def test_a_combination_is_asked_of_every_line() -> None:
    """The Redis cache lacks no feature: no check is left out but by the rule."""
    lines = {check.line for check in caching.CHECKS if check.kind == "conformance"}
    assert {check.line for check in asked(caching.CHECKS)} == lines
    assert lines > BY_ROUTE
