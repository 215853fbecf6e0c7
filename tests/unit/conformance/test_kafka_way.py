"""Whether a proxy can stand before a broker is told with the reason where none can."""

from __future__ import annotations

import socket

import pytest

from infrastructure.conformance.harnesses._kafka_way import way_to
from infrastructure.conformance.harnesses.kafka import KafkaHarness
from infrastructure.interfaces import ConfigurationError

from ...servers import shared
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.ports import HOST, free_port


def test_before_several_brokers_there_is_no_one_way() -> None:
    """A proxy would stand on the way to the first alone."""
    harness = KafkaHarness("kafka://a:1,b:2")
    assert harness.faults is None
    assert harness.without_faults.startswith("the URL names 2 brokers; no proxy can stand")


def test_a_broker_that_does_not_answer_says_nothing() -> None:
    """It is asked no longer than two seconds."""
    way = way_to(f"kafka://{HOST}:{free_port()}")
    assert not way.port
    assert way.hindrance == "no broker has said where it is within 2 s"


def test_a_url_that_is_none_is_for_who_makes_a_messaging_of_it() -> None:
    """The harness can be made: it says what is wrong as every other one does."""
    harness = KafkaHarness("kafka://a?librdkafka.no.such=1")
    assert harness.without_faults.startswith("the URL is none: ")
    harness = KafkaHarness("kafka://a?no_such=1")
    assert harness.without_faults.startswith("the URL is none: ")

    with pytest.raises(ConfigurationError, match="no_such"):
        harness.make()


@pytest.mark.slow
def test_the_usual_broker_sends_its_clients_to_itself(kafka: KafkaEndpoint) -> None:
    """Whoever came by a proxy would go past it from then on."""
    way = way_to(kafka.url)
    assert not way.port
    assert way.hindrance.startswith(
        f"its clients are sent to {kafka.bootstrap}; no proxy can stand"
    )


@pytest.mark.slow
def test_a_port_that_is_taken_is_nobodys_way() -> None:
    """What listens there already may be a proxy of somebody else's; when it has left, ours may."""
    server = shared.proxied_kafka()
    assert server.proxy is not None

    # Not what is remembered: one and the same broker is asked twice.
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((HOST, server.proxy))
        taken.listen()
        way = way_to.__wrapped__(f"kafka://{HOST}:{server.proxied_port}")

    assert way.hindrance.startswith(f"somebody listens at port {server.proxy} already; ")
    way = way_to.__wrapped__(f"kafka://{HOST}:{server.proxied_port}")
    assert (way.port, way.target) == (server.proxy, (HOST, server.proxied_port))
