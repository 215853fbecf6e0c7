"""Who gets in by a URL, and what those are told who do not; and which brokers need to be there."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from infrastructure import deadline, open_messaging
from infrastructure.interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    TimeoutError,
)
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...faults._inbox import Inbox
from ...faults._timing import SLACK, within
from ...faults._watch import nothing_left
from ...servers.certificates import Certificates
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_security import Sasl
from ...servers.kafka_server import KafkaServer
from ...servers.ports import HOST, free_port
from ...servers.waiting import until
from .kafka_bench import new_group

pytestmark = pytest.mark.slow

Start = Callable[[KafkaServer], Awaitable[KafkaServer]]


async def gets_in(url: str, **options: Any) -> None:
    """Check that a message goes out and comes back, and that topics can be made."""
    inbox = Inbox()
    options = {"group_id": new_group(), "create_topics": True, **options}

    async with KafkaMessaging(url, **options) as messaging:
        await messaging.subscribe("t", inbox)
        await messaging.publish("t", "1")
        await until(lambda: inbox.payloads)
        assert await messaging.lag() is not None


async def refused(url: str, **options: Any) -> InfrastructureError:
    """Return the error of a connect; it comes soon and shows no password."""
    messaging = KafkaMessaging(url, **options)

    async with nothing_left():
        with within(3), pytest.raises(InfrastructureError) as caught:
            await messaging.connect()

    assert "h0p" not in str(caught.value)
    assert "wrong" not in str(caught.value)
    return caught.value


@pytest.fixture
def stranger(tmp_path: Path) -> Certificates:
    """Return certificates of another authority."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    return Certificates(folder)


async def test_a_password_in_clear(start_kafka: Start) -> None:
    """Here it is allowed: it does not leave the machine."""
    server = await start_kafka(KafkaServer(sasl=Sasl("PLAIN", "grace", "h0p per")))
    await gets_in(server.url)

    for url in (
        f"kafka://grace:wrong@{server.bootstrap}",
        f"kafka://eve:h0p%20per@{server.bootstrap}",
    ):
        error = await refused(url)
        assert isinstance(error, ConfigurationError), error
        assert "sasl_mechanism=" in str(error)

    error = await refused(f"{server.url}?sasl_mechanism=SCRAM-SHA-256")
    assert isinstance(error, ConfigurationError), error
    # Who shows none is sent away without a word.
    error = await refused(f"kafka://{server.bootstrap}")
    assert isinstance(error, ConnectionError)
    assert "may want kafka+ssl://, or a user and a password" in str(error)


async def test_a_login_that_nobody_asked_for(kafka: KafkaEndpoint) -> None:
    """Is the wrong door, not the wrong password; so is TLS."""
    error = await refused(f"kafka://grace:h0p%20per@{kafka.bootstrap}")
    assert isinstance(error, ConfigurationError), error
    assert "it wants no login" in str(error)
    error = await refused(f"kafka+ssl://{kafka.bootstrap}")
    assert "else say kafka://" in str(error)


async def test_a_password_by_tls(
    start_kafka: Start, certificates: Certificates, stranger: Certificates
) -> None:
    """By SCRAM, from those alone whose authority we know."""
    server = await start_kafka(KafkaServer(sasl=Sasl(), certificates=certificates))
    scram = f"{server.url}?sasl_mechanism=SCRAM-SHA-256"
    authority = str(certificates.authority)
    await gets_in(f"{scram}&ssl_ca={authority}")
    await gets_in(scram, librdkafka={"ssl.ca.pem": certificates.authority.read_text()})
    error = await refused(scram.replace("l0velace", "wrong"), ssl_ca=authority)
    assert isinstance(error, ConfigurationError), error

    for options in ({}, {"ssl_ca": str(stranger.authority)}):
        error = await refused(scram, **options)
        assert isinstance(error, ConfigurationError), error
        assert "ssl_ca=" in str(error)

    error = await refused(scram.replace("+ssl", ""))
    assert isinstance(error, ConnectionError)
    assert "may want kafka+ssl://" in str(error)


async def test_a_clients_certificate(start_kafka: Start, tmp_path: Path) -> None:
    """Is shown to whoever asks for one."""
    mutual = Certificates(tmp_path, mutual=True)
    server = await start_kafka(KafkaServer(certificates=mutual))
    shown = {"ssl_cert": str(mutual.certificate("client")), "ssl_key": str(mutual.key("client"))}
    await gets_in(server.url, ssl_ca=str(mutual.authority), **shown)
    error = await refused(server.url, ssl_ca=str(mutual.authority))
    assert isinstance(error, (ConfigurationError, ConnectionError))


@pytest.mark.parametrize(
    "options",
    [{"no.such": 1}, {"linger.ms": "soon"}, {"ssl.ca.location": None}, {"partitioner": None}],
)
async def test_what_librdkafka_does_not_know(options: dict[str, Any]) -> None:
    """Is a setting, and nothing is left of the attempt."""
    async with nothing_left():
        with pytest.raises(ConfigurationError):
            await KafkaMessaging("kafka://127.0.0.1:1", librdkafka=options).connect()


async def test_options_of_a_consumer_are_checked_by_subscribe(kafka: Any, kafka_topic: str) -> None:
    """It alone is made with them."""
    options = {"fetch.min.bytes": 0}

    async with KafkaMessaging(kafka.url, group_id="g", librdkafka=options) as messaging:
        with pytest.raises(ConfigurationError):
            await messaging.subscribe(kafka_topic, Inbox(), dead_letters=False)


async def test_nobody_is_there() -> None:
    """Refused at once, and with the time that is left where nobody says anything."""
    error = await refused(f"kafka://{HOST}:{free_port()}")
    assert isinstance(error, ConnectionError)
    assert (error.outcome, error.retryable, error.operation) == ("not_applied", True, "connect")

    with socket.create_server((HOST, 0)) as silent:
        url = f"kafka://{HOST}:{silent.getsockname()[1]}"

        with deadline(0.7), within(0.7 + SLACK), pytest.raises(TimeoutError):
            await open_messaging(url).connect()


async def test_one_of_several_brokers_is_enough(start_kafka: Start) -> None:
    """Though another refuses at once, and this one takes its time."""
    port = free_port()
    server = await start_kafka(KafkaServer(proxy=port))
    assert server.proxied_port is not None

    async with ChaosProxy((HOST, server.proxied_port), port=port) as proxy:
        proxy.delay(0.2)
        url = f"kafka://{HOST}:{free_port()},{HOST}:{port}"

        async with KafkaMessaging(url):
            pass
