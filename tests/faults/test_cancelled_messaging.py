"""Every method of the messaging in memory, cancelled at every await."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.messaging.memory import MemoryMessaging

from . import handler_scenarios, messaging_scenarios
from ._inbox import Inbox
from ._sweep import Scenario, Scenarios, Stage
from .messaging_scenarios import ROOM

SCENARIOS = Scenarios([*messaging_scenarios.SCENARIOS, *handler_scenarios.SCENARIOS])


async def works(messaging: MemoryMessaging) -> None:
    """A subscription, a message, its handler, and the end of it; twice as much as has room."""
    inbox = Inbox()
    await messaging.subscribe("works", inbox)
    await messaging.publish_many("works", range(2 * ROOM))
    await inbox.wait_for(2 * ROOM - 1)
    await messaging.unsubscribe("works")
    assert sorted(inbox.payloads) == list(range(2 * ROOM))


def held(messaging: MemoryMessaging) -> dict[str, Any]:
    """Return what is still there of operations and messages that have ended."""
    engine = messaging._engine
    assert engine is not None
    return {
        "publishers": messaging._blocked or [t for t in messaging._broker.topics() if t._waiting],
        "unfinished": [topic.name for topic in messaging._broker.topics() if topic.held],
        "background": len(messaging._background) or len(messaging._group._tasks),
        "moving": messaging._group._moving,
        "ending": engine._ending,
        "handlers": engine._running(),
        "waiting": engine._watch.futures or engine._watch._waiting,
        "connecting": messaging._waiting,
    }


STAGE = Stage(lambda: MemoryMessaging(max_log=ROOM), works, held)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_a_cancelled_operation_leaves_nothing(scenario: Scenario) -> None:
    """The cancellation comes out, nothing leaks, nothing is lost, and the messaging works."""
    await STAGE.sweep(scenario)


def test_every_public_method_has_a_scenario() -> None:
    """A method that is added needs one too."""
    assert not SCENARIOS.missing(MemoryMessaging)

    class Larger(MemoryMessaging):
        async def seek(self, topic: str) -> None: ...

    assert SCENARIOS.missing(Larger) == {"seek"}
