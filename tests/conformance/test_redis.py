"""The Redis cache keeps every promise of a cache, on each kind of server and in each mode."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infrastructure.conformance import Check, caching, run_check, wanted
from infrastructure.conformance.harnesses.redis import RedisHarness

from ..servers import shared


class OnServer(RedisHarness):
    """Knows its server when a check begins: none is started to count the tests."""

    def __init__(self, server: Callable[[], Any], query: str = "") -> None:
        self._server, self._query = server, query

    def start(self) -> None:
        """Start its server, which is there from then on."""
        self._server()

    async def open(self) -> None:
        super().__init__(f"{self._server().url}{self._query}")


# Every check, where each part of the cache is first met: a link to one server, to each node of a
# Cluster, connections of redis-py's, values kept near.
WHOLE: dict[str, Callable[[], OnServer]] = {
    "valkey": lambda: OnServer(shared.valkey),
    "redis 7": lambda: OnServer(shared.debian_redis),
    "cluster": lambda: OnServer(shared.valkey_cluster),
    "pooled": lambda: OnServer(shared.debian_redis, "?mode=pooled"),
    "near cache": lambda: OnServer(shared.valkey, "?near_entries=1000"),
}

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


LASTING = {
    "C4_a_key_expires_after_its_ttl",
    "C4_each_key_expires_at_its_own_time",
    "C4_set_with_ttl_replaces_an_earlier_one",
    "C4_set_without_ttl_clears_an_earlier_one",
    "C5_ttl_is_rounded_up",
    "C6_set_after_delete_stores_anew",
    "C8_delete_many_counts_live_keys",
    "C8_get_many_gives_hits_only",
}
"""Checks that wait for keys to expire, for seconds: they are asked of all servers at the same time."""

CHECKS = tuple(check for check in caching.CHECKS if check.kind == "conformance")


def asked(checks: tuple[Check, ...]) -> list[Check]:
    """Return the checks that a combination is asked."""
    first = {check.line: check for check in reversed(checks)}
    return [check for check in checks if check.line in BY_ROUTE or check is first[check.line]]


def cases() -> list[tuple[str, Check]]:
    """Return each check of each server, by the server's name."""
    return [
        *((name, check) for name in WHOLE for check in CHECKS),
        *((name, check) for name in COMBINATIONS for check in asked(CHECKS)),
    ]


def told(case: object) -> str:
    """Return what a case is named by."""
    return case.name if isinstance(case, Check) else str(case)


@pytest.mark.parametrize(
    ("server", "check"), [case for case in cases() if case[1].name not in LASTING], ids=told
)
def test_a_server(server: str, check: Check) -> None:
    """Of a combination what depends on the route, and one check of each other line."""
    result = run_check(check, (WHOLE | COMBINATIONS)[server])

    if result.error is not None:
        raise result.error


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(LASTING))
def test_all_servers_at_once(name: str) -> None:
    """A key expires as soon, however many checks wait for theirs."""
    made = WHOLE | COMBINATIONS
    works = {server: check for server, check in cases() if check.name == name}
    assert works.keys() >= WHOLE.keys()

    for server in works:
        # Of a server of the run there is one, however many threads ask for it.
        made[server]().start()

    with ThreadPoolExecutor(len(works)) as pool:
        results = pool.map(lambda server: run_check(works[server], made[server]), works)
        wrong = {
            server: one.reason for server, one in zip(works, results, strict=True) if one.error
        }

    assert not wrong


def test_a_combination_is_asked_of_every_line() -> None:
    """And every check of each part: no feature is lacking."""
    lines = {check.line for check in CHECKS}
    assert {check.line for check in asked(CHECKS)} == lines
    assert lines > BY_ROUTE
    assert [check for check in CHECKS if wanted(check, WHOLE["valkey"]())] == list(CHECKS)
