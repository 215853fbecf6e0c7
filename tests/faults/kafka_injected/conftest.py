"""A broker that answers as it is told, with a topic and one for its dead letters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ...servers import shared
from ...servers.kafka_mock import KafkaMock
from ._cases import TOPIC


@pytest.fixture
def mock() -> Iterator[KafkaMock]:
    """Give a broker of the test's own."""
    with shared.kafka_mocks().broker([TOPIC, f"{TOPIC}.dlq"]) as mock:
        yield mock
