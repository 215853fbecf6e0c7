"""Notes for the coverage gate which checks no backend of ours can run yet."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from infrastructure.conformance import caching, messaging, storage, wanted

from .test_memory_cache import MemoryCacheHarness
from .test_memory_messaging import MemoryHarness
from .test_sqlite import SQLiteHarness

_SUITES = (
    (caching.CHECKS, MemoryCacheHarness),
    (messaging.CHECKS, MemoryHarness),
    (storage.CHECKS, SQLiteHarness),
)


def unreached() -> list[str]:
    """Return the names of the checks whose feature none of our backends declares."""
    pairs: list[tuple[str, bool]] = [
        (check.name, wanted(check, harness)) for checks, harness in _SUITES for check in checks
    ]
    return sorted(name for name, is_wanted in pairs if not is_wanted)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the names where the run of the tests asked for them."""
    path = os.environ.get("INFRASTRUCTURE_UNREACHED")

    if path and session.testscollected:
        Path(path).write_text(json.dumps(unreached()), encoding="utf-8")
