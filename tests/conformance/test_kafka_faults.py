"""The messaging over Apache Kafka keeps the contract while its network and its broker break."""

from __future__ import annotations

import pytest

from infrastructure.conformance.pytest import faults

from .kafka_on_own_server import OwnKafkaHarness

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("hurried")]

test_kafka_messaging = faults(OwnKafkaHarness)
