"""How the suite learns that what was finished is committed."""

from __future__ import annotations

import pytest

from infrastructure.conformance.messaging import outages
from infrastructure.messaging.lag import LagReporter
from infrastructure.messaging.memory import MemoryMessaging

from ...faults._timing import within


async def test_where_nobody_tells_it_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend need not know what waits for a group."""
    messaging = MemoryMessaging()
    assert not isinstance(messaging, LagReporter)
    monkeypatch.setattr(outages, "_COMMITTED", 0.1)

    with within(0.5):
        await outages._committed(messaging, "t", waiting=0)
