"""Notes for the coverage gate which checks no backend that the tests prove can run yet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from infrastructure.conformance import caching, messaging, storage, wanted
from infrastructure.conformance.harnesses.memory import MemoryCacheHarness, MemoryMessagingHarness
from infrastructure.conformance.harnesses.sqlite import SQLiteHarness

from ..examples._folder import example
from .kafka_on_own_server import OwnKafkaHarness
from .patience import ON_BROKERS, waiting
from .postgres_on_own_server import OwnPostgresHarness
from .toy_server import ServerHarness
from .toy_storages import ToyHarness

_SUITES = (
    (caching.CHECKS, (MemoryCacheHarness, ServerHarness())),
    (
        messaging.CHECKS,
        (MemoryMessagingHarness, example("list_messaging").ListHarness(), OwnKafkaHarness()),
    ),
    (storage.CHECKS, (SQLiteHarness, ToyHarness, OwnPostgresHarness())),
)


@pytest.fixture
def hurried(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a check wait no longer than it does for a mutant, where one is asked it on a broker."""
    name = request.node.callspec.params["check"].name

    with waiting(ON_BROKERS[name]) if name in ON_BROKERS else nullcontext():
        yield


def unreached() -> list[str]:
    """Return the names of the checks whose feature none of these backends declares."""
    return sorted(
        check.name
        for checks, harnesses in _SUITES
        for check in checks
        if not any(wanted(check, harness, faults=True) for harness in harnesses)
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the names where the run of the tests asked for them."""
    path = os.environ.get("INFRASTRUCTURE_UNREACHED")

    if path and session.testscollected:
        Path(path).write_text(json.dumps(unreached()), encoding="utf-8")
