"""What the fault tests share: a broker that may be broken, a proxy before it, a topic, a messaging."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from infrastructure import deadline
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...servers import shared
from ...servers.kafka_server import KafkaServer
from ...servers.ports import HOST
from .._timing import PATIENT, connected
from .._watch import nothing_left
from ._messagings import make_messaging


@pytest.fixture
async def broker() -> AsyncIterator[KafkaServer]:
    """Give the broker of these tests, at work; a test may freeze and kill it."""
    server = shared.proxied_kafka()

    if not server.is_running:
        await server.start()

    yield server

    if server.is_frozen:
        server.thaw()


@pytest.fixture
async def topic(broker: KafkaServer) -> AsyncIterator[str]:
    """Give a topic of the test's own, with one partition."""
    async with broker.topic() as name:
        yield name

        if broker.is_frozen:
            broker.thaw()


@pytest.fixture
async def proxy(broker: KafkaServer) -> AsyncIterator[ChaosProxy]:
    """Give the proxy before the broker: who comes by it is told to come by it again."""
    assert broker.proxy is not None
    assert broker.proxied_port is not None

    async with ChaosProxy((HOST, broker.proxied_port), port=broker.proxy) as proxy:
        yield proxy


@pytest.fixture
async def messaging(proxy: ChaosProxy, topic: str) -> AsyncIterator[KafkaMessaging]:
    """Give a connected messaging behind the proxy that has published to its topic; it leaves nothing."""
    async with nothing_left(), connected(make_messaging(proxy)) as messaging:
        with deadline(PATIENT):
            await messaging.publish(topic, "before")

        yield messaging

        # A black hole holds what the client has closed.
        proxy.heal()
