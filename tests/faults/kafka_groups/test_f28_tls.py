"""F28: TLS verifies the broker's certificate, fails in time, and never falls back to clear text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from infrastructure import ConfigurationError, ConnectionError, InfrastructureError, TimeoutError
from infrastructure.testing import ChaosProxy

from ...servers.certificates import Certificates
from ...servers.kafka_server import KafkaServer
from ...servers.ports import free_port
from ...servers.serving import serving
from ...servers.waiting import until
from .._timing import SLACK, within
from .._watch import nothing_left
from ._making import PATIENCE, Collector, Start, make_messaging

pytestmark = pytest.mark.slow

DEADLINE = 3.0
CLIENT_HELLO = b"\x16\x03"


async def refused(url: str, **options: object) -> InfrastructureError:
    """Expect that ``connect`` fails in time, and leaves nothing; return its error."""
    messaging = make_messaging(url, "readers", deadline=DEADLINE, **options)
    await messaging.subscribe("t", Collector())

    async with nothing_left():
        with within(DEADLINE + SLACK), pytest.raises(InfrastructureError) as caught:
            await messaging.connect()

    assert caught.value.outcome == "not_applied"
    return caught.value


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, bytearray]]:
    """Give the address of a socket that has no TLS, and what is said to it."""
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            while data := await reader.read(65536):
                heard.extend(data)
                writer.write(b"\x00\x00\x00\x06nothing")

    async with serving(listen) as (host, port):
        yield f"{host}:{port}", heard


async def test_F28_the_right_authority(start_kafka: Start, certificates: Certificates) -> None:
    """With its file given a group works; a connection that breaks is secured again."""
    port, handler = free_port(), Collector()
    server = await start_kafka(KafkaServer(certificates=certificates, proxy=port))
    assert server.proxied_port is not None

    async with (
        server.topic() as topic,
        ChaosProxy((server.host, server.proxied_port), port=port) as proxy,
        make_messaging(
            f"kafka+ssl://{proxy.host}:{port}", "readers", ssl_ca=str(certificates.authority)
        ) as messaging,
    ):
        await messaging.subscribe(topic, handler)
        await messaging.publish(topic, 1)
        await until(lambda: handler.ended == [1], PATIENCE)
        accepted = proxy.accepted
        proxy.reset()
        await messaging.publish(topic, 2)
        await until(lambda: handler.ended == [1, 2], PATIENCE)
        assert proxy.accepted > accepted


async def test_F28_another_authority(
    start_kafka: Start, certificates: Certificates, tmp_path: Path
) -> None:
    """Neither a stranger's nor, where none is named, the system's has signed it: no connection."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    server = await start_kafka(KafkaServer(certificates=certificates))

    for options in ({"ssl_ca": str(Certificates(folder).authority)}, {}):
        error = await refused(server.url, **options)
        assert isinstance(error, (ConfigurationError, ConnectionError))
        assert "certificate" in str(error)


@pytest.mark.parametrize("wrong", [{"names": "DNS:elsewhere.example"}, {"days": 0}], ids=str)
async def test_F28_another_host_or_time(
    start_kafka: Start, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    """A certificate of the right authority for another name, or one that has expired, is no proof."""
    folder = tmp_path / "wrong"
    folder.mkdir()
    certificates = Certificates(folder, **wrong)
    server = await start_kafka(KafkaServer(certificates=certificates))
    error = await refused(server.url, ssl_ca=str(certificates.authority))
    assert isinstance(error, (ConfigurationError, ConnectionError))
    assert "certificate" in str(error)


async def test_F28_clear_text_to_a_port_with_tls(
    start_kafka: Start, certificates: Certificates
) -> None:
    """It ends in time; it does not hang."""
    server = await start_kafka(KafkaServer(certificates=certificates))
    error = await refused(f"kafka://{server.bootstrap}")
    assert isinstance(error, (ConfigurationError, ConnectionError, TimeoutError))


async def test_F28_tls_to_a_plain_port(certificates: Certificates) -> None:
    """Whoever has no TLS hears nothing but its beginning, however often it is tried."""
    async with listening() as (address, heard):
        error = await refused(
            f"kafka+ssl://ada:l0velace@{address}", ssl_ca=str(certificates.authority)
        )

    assert isinstance(error, (ConfigurationError, ConnectionError, TimeoutError))
    assert heard.startswith(CLIENT_HELLO)
    assert b"l0velace" not in heard
    assert "l0velace" not in str(error)
