"""The checks let a correct minimal messaging pass, and name what a wrong one breaks."""

from __future__ import annotations

import pytest

from infrastructure.conformance._check import Check
from infrastructure.conformance._harness import wanted
from infrastructure.conformance.messaging import CHECKS, _inbox

from .toy_messaging import AcknowledgesFirst, DropsOnError, LosesOrder, ToyHarness


class RedeliveringHarness(ToyHarness):
    """Also asked what becomes of messages whose instance went away."""

    features = ("cancellation",)


def _asked(harness: type[ToyHarness]) -> list[Check]:
    return [check for check in CHECKS if wanted(check, harness)]


async def _broken(harness: type[ToyHarness]) -> set[str]:
    broken = set()

    for check in _asked(harness):
        try:
            await check.run(harness())
        except AssertionError:
            broken.add(check.name)

    return broken


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a wrong backend never delivers is not waited for as long as a real broker is."""
    monkeypatch.setattr(_inbox, "PATIENCE", 0.3)


@pytest.mark.parametrize("check", _asked(RedeliveringHarness), ids=lambda check: check.name)
async def test_a_minimal_messaging_passes_the_core_checks(check: Check) -> None:
    """The abstract methods alone, and the inherited mixins, make a backend of level core."""
    await check.run(RedeliveringHarness())


def test_the_core_has_its_lines() -> None:
    """The lines that bind every backend are asked without a feature."""
    asked = {check.line for check in _asked(ToyHarness)}
    assert asked == {"M1", "M2", "M4", "M5", "M7", "G3", "G4", "G11"}


@pytest.mark.usefixtures("impatient")
async def test_a_messaging_that_drops_on_error_is_caught() -> None:
    """A message whose handler failed must come again."""

    class Harness(ToyHarness):
        kind = DropsOnError

    assert await _broken(Harness) == {"M4_failed_message_is_not_lost"}


@pytest.mark.usefixtures("impatient")
async def test_a_messaging_that_acknowledges_first_is_caught() -> None:
    """A message whose instance went away while it ran must come again."""

    class Harness(RedeliveringHarness):
        kind = AcknowledgesFirst

    assert await _broken(Harness) == {
        "G7_cancelled_body_skips_the_drain",
        "G7_cancelling_disconnect_forces_it",
    }


@pytest.mark.usefixtures("impatient")
async def test_a_messaging_that_loses_order_is_caught() -> None:
    """Messages of one key must come as they were published."""

    class Harness(ToyHarness):
        kind = LosesOrder

    assert {
        "M1_publishes_of_one_task_to_one_key_keep_their_order",
        "M1_publish_many_keeps_the_order_of_a_key",
    } <= await _broken(Harness)
