"""The messaging over Apache Kafka keeps every promise of a messaging but that of a bounded log."""

from __future__ import annotations

import pytest

from infrastructure.conformance import messaging
from infrastructure.conformance.pytest import conformance

from ..servers import shared
from ..servers.tansu import BEYOND_TANSU, LEADER_STAYS
from .kafka_on_server import OnServer

test_kafka = pytest.mark.usefixtures("hurried", "limits")(conformance(OnServer))


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> None:
    """Have the run name what it does not prove where Tansu stands in, and why."""
    if request.node.callspec.id in BEYOND_TANSU and shared.is_tansu():
        pytest.xfail(f"not proved here: {LEADER_STAYS}")


def test_what_tansu_does_not_prove_is_asked_elsewhere() -> None:
    """By its name: a check that was renamed would fail there by chance."""
    assert {check.name for check in messaging.CHECKS} >= BEYOND_TANSU
