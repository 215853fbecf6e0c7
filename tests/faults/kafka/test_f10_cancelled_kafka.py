"""F10: every method of the messaging over Kafka, cancelled at every await."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_server import KafkaServer
from .. import handler_scenarios, messaging_scenarios
from .._inbox import Inbox
from .._sweep import Scenario, Scenarios, Stage
from .._timing import SOAK, draw_seed
from ._apart import Apart, make_apart
from .kafka_scenarios import SCENARIOS as OWN

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

UNLIKE = {
    "a_batch",
    "a_disconnect_that_fails_a_publish",
    "a_publish_that_waits_for_room",
    "a_publish_with_room",
    "many_messages",
}
"""Scenarios of a log that is bounded, or in which nobody waits for an answer."""

SHARED = [*messaging_scenarios.SCENARIOS, *handler_scenarios.SCENARIOS]
SCENARIOS = Scenarios([*(each for each in SHARED if each.name not in UNLIKE), *OWN])
EVERY = 1 if SOAK else 12
"""Of the suspensions of an operation."""


async def works(messaging: Apart) -> None:
    """A subscription, messages, their handler, and the end of it."""
    inbox = Inbox()
    await messaging.subscribe("works", inbox)
    await messaging.publish_many("works", range(40))
    await inbox.wait_for(39)
    await messaging.unsubscribe("works")
    assert sorted(inbox.payloads) == list(range(40))


def held(messaging: Apart) -> dict[str, Any]:
    """Return what is still there of operations and messages that have ended."""
    engine, publisher, member = messaging._engine, messaging._publisher, messaging._member
    assert engine is not None
    assert publisher is not None
    assert member is not None
    return {
        "to be sent": len(publisher._waiting.usual),
        "on their way": len(publisher._batches),
        "background": len(messaging._background) or len(member._tasks),
        "ending": engine._ending,
        "handlers": engine._running(),
        "waiting": engine._watch.futures or engine._watch._waiting,
        "connecting": messaging._waiting,
    }


@pytest.fixture
def stage(broker: KafkaServer) -> Stage:
    """Return where scenarios run: topics and a group of its own for each messaging."""
    first = draw_seed() % EVERY
    # A topic is made, and a group joined: of one who left as he joined it hears when his session ends.
    return Stage(lambda: make_apart(broker), works, held, rest=20.0, every=EVERY, first=first)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_F10_a_cancelled_operation_leaves_nothing(stage: Stage, scenario: Scenario) -> None:
    """The cancellation comes out, nothing leaks, nothing is lost, and the messaging works."""
    await stage.sweep(scenario)


def test_F10_every_public_method_has_a_scenario() -> None:
    """A method that is added needs one too."""
    assert not SCENARIOS.missing(KafkaMessaging)
