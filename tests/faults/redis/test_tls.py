"""F28: TLS verifies certificate and host, fails in time, and never falls back to clear text."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    TimeoutError,
)
from infrastructure.testing import ChaosProxy, accepts

from ...servers import debian_redis as debian
from ...servers.certificates import Certificates
from ...servers.endpoint import Endpoint
from ...servers.server import RedisServer
from ...servers.serving import serving
from .._timing import PATIENT
from ._through import fresh

DEADLINE = 0.5
CLIENT_HELLO = b"\x16\x03"


async def refused(url: str, seconds: float = DEADLINE, **options: object) -> InfrastructureError:
    """Expect that `connect` fails in time, and return its error."""
    watch = Stopwatch()

    with pytest.raises(InfrastructureError) as caught:
        await RedisCache(url, deadline=seconds, **options).connect()

    assert watch.taken < seconds + 0.25
    assert caught.value.outcome != "unknown"
    return caught.value


def trusted(certificates: Certificates) -> dict[str, str]:
    return {"tls_ca_file": str(certificates.authority)}


@asynccontextmanager
async def listening(answer: bytes = b"") -> AsyncIterator[tuple[str, bytearray]]:
    """Give the address of a socket that has no TLS, and what is said to it."""
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

        with closing(writer), suppress(builtins.ConnectionError):
            while data := await reader.read(65536):
                heard.extend(data)

    async with serving(listen) as (host, port):
        yield f"{host}:{port}", heard


async def test_the_right_authority(redis_tls: RedisServer) -> None:
    """With its file given, everything works, a large value and the near cache too."""
    assert redis_tls.certificates is not None

    async with RedisCache(
        redis_tls.url, prefix=fresh(), near_entries=10, **trusted(redis_tls.certificates)
    ) as cache:
        await cache.set("k", b"x" * 3_000_000, 60)
        assert await cache.get("k") == b"x" * 3_000_000
        assert await cache.scan_keys("*") == ["k"]
        assert await cache.delete("k")


async def test_a_link_that_breaks_is_secured_again(redis_tls: RedisServer) -> None:
    """After a reset the next connection begins with TLS as well, and the read succeeds."""
    assert redis_tls.certificates is not None

    async with ChaosProxy((redis_tls.host, redis_tls.port)) as proxy:
        url = f"rediss://{proxy.host}:{proxy.port}"

        async with RedisCache(url, **trusted(redis_tls.certificates)) as cache:
            await cache.set("k", 1, 60)
            proxy.reset()
            assert await cache.get("k") == 1
            assert proxy.accepted == 2


async def test_an_unknown_authority(redis_tls: RedisServer) -> None:
    """Without its file the certificate is not accepted, and the text says what to give."""
    error = await refused(redis_tls.url, PATIENT)
    assert isinstance(error, ConnectionError)
    assert "tls_ca_file=" in str(error)


async def test_another_authority(redis_tls: RedisServer, certificates: Certificates) -> None:
    """One that signed something else is none."""
    assert "tls_ca_file=" in str(await refused(redis_tls.url, PATIENT, **trusted(certificates)))


async def test_a_wrong_host_name(tmp_path: Path) -> None:
    """A certificate for another host is refused, whoever signed it."""
    other = Certificates(tmp_path, "DNS:elsewhere.example")

    async with unacceptable(other) as url:
        error = await refused(url, PATIENT, **trusted(other))

    assert isinstance(error, ConnectionError)
    assert "host name" in str(error)


async def test_an_expired_certificate(tmp_path: Path) -> None:
    """One whose time is over is refused, and the text says so."""
    expired = Certificates(tmp_path, days=0)

    async with unacceptable(expired) as url:
        error = await refused(url, PATIENT, **trusted(expired))

    assert isinstance(error, ConnectionError)
    assert "expired" in str(error)


@asynccontextmanager
async def unacceptable(certificates: Certificates) -> AsyncIterator[str]:
    """Give the URL of a server with these; redis-py, by which it is known to be up, refuses it too."""
    server = RedisServer(debian.program(), certificates=certificates)
    starting = asyncio.create_task(server.start())

    try:
        async with asyncio.timeout(5):
            while not await _accepts(server):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)

        yield server.url
    finally:
        starting.cancel()
        await asyncio.wait({starting})
        await server.close()


async def _accepts(server: RedisServer) -> bool:
    try:
        return await accepts(server.host, server.port)()
    except OSError:
        return False


@pytest.mark.slow
async def test_tls_to_a_plain_port(valkey: Endpoint) -> None:
    """Redis waits for the rest of what it takes for a command: our deadline ends it."""
    error = await refused(valkey.url.replace("redis://", "rediss://:canary@"))
    assert isinstance(error, (ConnectionError, TimeoutError))


@pytest.mark.slow
@pytest.mark.parametrize("answer", [b"", b"-ERR no TLS here\r\n", b"+OK\r\n" * 9])
async def test_never_in_clear_text(answer: bytes) -> None:
    """Whatever a plain server answers, all that it hears is the beginning of TLS."""
    async with listening(answer) as (where, heard):
        error = await refused(f"rediss://user:canary@{where}")
        assert isinstance(error, (ConnectionError, TimeoutError))
        assert heard.startswith(CLIENT_HELLO)
        assert b"canary" not in heard
        assert b"HELLO" not in heard


async def test_plain_to_a_tls_port(redis_tls: RedisServer) -> None:
    """It fails in time."""
    assert isinstance(
        await refused(redis_tls.url.replace("rediss://", "redis://")), ConnectionError
    )


async def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """It is a wrong setting, found before anything is sent."""
    for path in (tmp_path / "missing.pem", tmp_path):
        with pytest.raises(ConfigurationError, match="tls_ca_file"):
            RedisCache("rediss://127.0.0.1:1", tls_ca_file=str(path))
