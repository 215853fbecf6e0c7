"""What the fault tests of groups share: members in this process, and in processes of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ...servers.kafka_endpoint import KafkaEndpoint
from ._making import Make, make_messaging
from ._members import Members


@pytest.fixture
def group() -> str:
    """Return the name of a group of this test's own."""
    return f"group-{secrets.token_hex(4)}"


@pytest.fixture
def make(kafka: KafkaEndpoint, group: str) -> Make:
    """Return what makes an unconnected member of the test's group on the broker of the run."""
    return partial(make_messaging, kafka.url, group)


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Members]:
    """Give what starts members in processes of their own, and ends them."""
    members = Members(tmp_path)

    try:
        yield members
    finally:
        members.end()
