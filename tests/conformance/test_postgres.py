"""The PostgreSQL storage keeps every promise of a storage, on each kind of server and in each mode."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from infrastructure.conformance import Check, run_check, storage, wanted
from infrastructure.conformance.harnesses.postgres import PostgresHarness
from infrastructure.conformance.pytest import conformance
from infrastructure.storage.postgres import PostgresStorage

from ..servers import shared


class OnServer(PostgresHarness):
    """Knows its server when a check begins: none is started to count the tests."""

    def __init__(self, server: Callable[[], Any], query: str = "") -> None:
        self._server, self._query = server, query

    async def open(self) -> None:
        super().__init__(f"{self._server().url}{self._query}")
        await super().open()


class BehindPooler(OnServer):
    """In no schema of its own: a pooler's connections are everybody's, their settings too."""

    missing: Mapping[str, str] = MappingProxyType(
        {
            **PostgresHarness.missing,
            "time_bucket": "a search path cannot be set behind a pooler",
        }
    )

    async def open(self) -> None:
        self._url = f"{self._server().url}{self._query}"

    def make(self, **options: Any) -> PostgresStorage:
        return PostgresStorage(self._url, **{"hypertables": "index", **options})

    async def close(self) -> None:
        """Leave the tables: each check names its own."""


class OnTimescale(OnServer):
    """Runs as the server can: the one in WebAssembly has one session, and lets in one at a time.

    A database without the extension is an error.
    """

    def make(self, **options: Any) -> PostgresStorage:
        needed = {"hypertables": "require", **shared.timescale().storage_options}
        return super().make(**{**needed, **options})


NATIVE = bool(os.environ.get("TIMESCALEDB_URL"))
"""A server that is given can do everything, and is asked everything."""


BY_EXTENSION = {"S5", "S6", "S7", "S12", "S13", "S14"}
"""Lines on which an extension that has tables and types of its own could differ.

The rest is PostgreSQL's, asked above: here one check of each line shows that it is wired up.
"""

BEYOND = {
    "G3_instances_reach_the_same_data": "it lets in one at a time",
    "S7_nobody_sees_what_is_not_committed": "it lets in one at a time",
    "S12_a_reference_is_checked": "it lets in one at a time",
    "G5_a_slow_statement_ends_in_time": "it does not hear a cancel while it runs a statement",
}
"""What the server in WebAssembly cannot show, and why; a native one can."""


def asked(checks: tuple[Check, ...]) -> list[Check]:
    """Return the checks that are asked of TimescaleDB."""
    open_to = [
        check
        for check in checks
        if wanted(check, PostgresHarness)
        and check.kind == "conformance"
        and (NATIVE or check.name not in BEYOND)
    ]

    if NATIVE:
        return open_to

    first = {check.line: check for check in reversed(open_to)}
    return [check for check in open_to if check.line in BY_EXTENSION or check is first[check.line]]


test_postgres = conformance(lambda: OnServer(shared.postgres))
test_group_commit = conformance(lambda: OnServer(shared.postgres, "?group_commit=true"))
test_postgres_15 = conformance(lambda: OnServer(shared.debian_postgres))
test_without_pipelining = conformance(lambda: OnServer(shared.debian_postgres, "?pipelining=false"))
test_pgbouncer = conformance(lambda: BehindPooler(shared.pgbouncer))


@pytest.mark.parametrize("check", asked(storage.CHECKS), ids=lambda check: check.name)
def test_timescale(check: Check) -> None:
    """What an extension could change, and one check of each other line; of a native one all."""
    result = run_check(check, lambda: OnTimescale(shared.timescale))

    if result.error is not None:
        raise result.error
