"""A Kafka lets in who shows what it asks for, and nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from .certificates import Certificates
from .kafka_messages import read, send
from .kafka_security import Sasl
from .kafka_server import KafkaServer

pytestmark = pytest.mark.slow

# It breaks the connection off, or the client does.
UNHEARD = {"_ALL_BROKERS_DOWN", "_SSL", "_TRANSPORT"}

Start = Callable[[KafkaServer], Awaitable[KafkaServer]]


def refusal(server: KafkaServer, options: Mapping[str, object]) -> str | None:
    """Return how a client fails that differs so from one which gets in; it tries for ten seconds."""
    errors: list[KafkaError] = []
    producer = server.producer({**options, "error_cb": errors.append})

    for _ in range(100):
        if errors:
            return errors[0].name()

        producer.poll(0.1)

    return None


async def check_lets_in(server: KafkaServer) -> None:
    """What is sent by ``producer`` arrives at ``consumer``."""
    async with server.topic() as topic:
        assert send(server.producer(), topic, ["1"]) == ["1"]

        with closing(server.consumer("readers")) as consumer:
            assert read(consumer, topic, 1) == ["1"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
async def test_a_password_is_asked_for(mechanism: str, start_kafka: Start) -> None:
    """The right one of the right user opens, by the one mechanism."""
    server = await start_kafka(KafkaServer(sasl=Sasl(mechanism, "grace", "h0p per")))
    assert server.url == f"kafka://grace:h0p%20per@{server.bootstrap}"
    assert "h0p" not in repr(server)
    await check_lets_in(server)
    other = {"PLAIN": "SCRAM-SHA-256", "SCRAM-SHA-256": "PLAIN"}[mechanism]
    assert refusal(server, {"sasl.password": "wrong"}) == "_AUTHENTICATION"
    assert refusal(server, {"sasl.username": "ada"}) == "_AUTHENTICATION"
    assert refusal(server, {"sasl.mechanism": other}) == "_AUTHENTICATION"
    assert refusal(server, {"security.protocol": "PLAINTEXT"}) in UNHEARD


async def test_a_scram_user_outlives_a_restart(start_kafka: Start) -> None:
    """It is written down with the topics."""
    server = await start_kafka(KafkaServer(sasl=Sasl()))
    await server.restart()
    await check_lets_in(server)


async def test_it_listens_with_tls(
    start_kafka: Start, certificates: Certificates, stranger: Certificates
) -> None:
    """For clients who trust its authority, and for those alone."""
    server = await start_kafka(KafkaServer(certificates=certificates))
    assert server.url == f"kafka+ssl://{server.bootstrap}"
    await check_lets_in(server)
    assert refusal(server, {"ssl.ca.location": str(stranger.authority)}) in UNHEARD
    assert refusal(server, {"security.protocol": "PLAINTEXT"}) in UNHEARD


async def test_it_asks_for_a_clients_certificate(
    tmp_path: Path, start_kafka: Start, stranger: Certificates
) -> None:
    """And for one that its authority signed."""
    (tmp_path / "mutual").mkdir()
    server = await start_kafka(
        KafkaServer(certificates=Certificates(tmp_path / "mutual", mutual=True))
    )
    await check_lets_in(server)
    others = {
        "ssl.certificate.location": str(stranger.certificate("client")),
        "ssl.key.location": str(stranger.key("client")),
    }
    assert refusal(server, others) in UNHEARD


async def test_a_password_goes_by_tls(start_kafka: Start, certificates: Certificates) -> None:
    """Both are asked for."""
    server = await start_kafka(KafkaServer(sasl=Sasl(), certificates=certificates))
    assert server.url == f"kafka+ssl://ada:l0velace@{server.bootstrap}"
    await check_lets_in(server)
    assert refusal(server, {"sasl.password": "wrong"}) == "_AUTHENTICATION"
    assert refusal(server, {"security.protocol": "SASL_PLAINTEXT"}) in UNHEARD


@pytest.fixture
def stranger(tmp_path: Path) -> Certificates:
    """Return certificates of another authority."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    return Certificates(folder)
