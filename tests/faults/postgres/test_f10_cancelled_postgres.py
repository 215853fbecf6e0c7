"""F10: every method of the storage on PostgreSQL, cancelled at every await."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing.postgres import PostgresCounters

from ...servers.postgres_endpoint import PostgresEndpoint
from .. import statement_scenarios, transaction_scenarios
from .._sweep import Scenario, Scenarios, Stage
from .._timing import SOAK, draw_seed
from .._watch import until
from ..test_cancelled_storage import works
from ._sessions import unrest
from ._storages import Make
from .postgres_scenarios import SCENARIOS as OWN

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]

SCENARIOS = Scenarios([*statement_scenarios.SCENARIOS, *transaction_scenarios.SCENARIOS, *OWN])
EVERY = 1 if SOAK else 5
"""Of the suspensions of an operation."""

CASES = [("pipelined", scenario) for scenario in SCENARIOS]
CASES += [("pooled", scenario) for scenario in (SCENARIOS if SOAK else OWN)]


def held(storage: PostgresStorage) -> dict[str, Any]:
    """Return what is still there of operations that have ended, in us."""
    engine = storage._engine
    pool, lanes = engine._pool, engine._lanes
    return {
        "transactions": engine.transactions.roots,
        "background": len(engine.transactions._tasks),
        "leased": pool and pool._leased,
        "queue": pool and pool._queue,
        "clearing up": pool and len(pool._tasks),
        "on its way": lanes and sum(lane.load for lane in lanes._lanes),
        "listening": engine._listener and len(engine._listener._tasks),
        "connecting": storage._waiting,
    }


@pytest.fixture
def counters(database: PostgresEndpoint) -> Iterator[PostgresCounters]:
    """Give what sees the storages' sessions."""
    with database.counters() as counters:
        yield counters


@pytest.fixture
def control(database: PostgresEndpoint) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection that is no storage's."""
    with database.control() as control:
        yield control


@pytest.fixture
def stage(make: Make, counters: PostgresCounters, control: psycopg.Connection[Any]) -> Stage:
    """Return where scenarios run: an empty schema for each storage."""

    def fresh() -> PostgresStorage:
        control.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return make(deadline=5)

    def look(storage: PostgresStorage) -> dict[str, Any]:
        return {**held(storage), "unrest": unrest(counters)}

    return Stage(fresh, works, look, every=EVERY, first=draw_seed() % EVERY)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("mode", "scenario"), CASES, ids=[f"{mode}, {scenario.name}" for mode, scenario in CASES]
)
async def test_F10_a_cancelled_operation_leaves_nothing(
    stage: Stage, counters: PostgresCounters, scenario: Scenario
) -> None:
    """The cancellation comes out, nothing leaks, nothing is torn, no session stays."""
    await stage.sweep(scenario)
    # That of the test stays.
    await until(lambda: counters.read().open == 1, counters.sessions)


def test_F10_every_public_method_has_a_scenario() -> None:
    """A method that is added needs one too."""
    assert not SCENARIOS.missing(PostgresStorage)
