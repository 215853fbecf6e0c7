"""What a proxy refuses to be told, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infrastructure.interfaces import ConnectionError, ValidationError
from infrastructure.testing import ChaosProxy

TARGET = ("127.0.0.1", 9)


@pytest.mark.parametrize(
    "call",
    [
        lambda proxy: proxy.cut("sideways"),
        lambda proxy: proxy.reset("up"),
        lambda proxy: proxy.black_hole("client"),
        lambda proxy: proxy.delay(-1),
        lambda proxy: proxy.delay(float("inf")),
        lambda proxy: proxy.delay("1"),
        lambda proxy: proxy.delay(1, "down"),
        lambda proxy: proxy.split(0),
        lambda proxy: proxy.split(1.5),
        lambda proxy: proxy.truncate(-1, "both"),
        lambda proxy: proxy.truncate(True, "both"),
        lambda proxy: proxy.truncate(1, "both", ending="explode"),
        lambda proxy: proxy.truncate(1, "both", counting="later"),
        lambda proxy: proxy.truncate(1, "nowhere"),
        lambda proxy: proxy.flip(0, "both", bit=8),
        lambda proxy: proxy.flip(-1, "both"),
        lambda proxy: proxy.redirect(("", 1)),
        lambda _: ChaosProxy(("localhost", 65536)),
        lambda _: ChaosProxy(9),  # type: ignore[arg-type]
        lambda _: ChaosProxy(TARGET, port=-1),
    ],
)
async def test_wrong_arguments(call: Callable[[ChaosProxy], Any]) -> None:
    """Each is a ValidationError, and nothing is switched."""
    proxy = ChaosProxy(TARGET)
    before = repr(proxy)

    with pytest.raises(ValidationError):
        call(proxy)

    assert repr(proxy) == before


async def test_the_state_is_shown() -> None:
    """Where from and where to, and every fault that is on."""
    proxy = ChaosProxy(("db.example", 5432))
    assert repr(proxy) == "<ChaosProxy 127.0.0.1:0 -> db.example:5432, closed, 0 open>"
    proxy.redirect("/run/db.sock")

    async with proxy:
        assert proxy.host == "127.0.0.1"
        proxy.delay(0.5, "to_client")
        proxy.black_hole("to_server")
        proxy.split(3, "to_server")
        proxy.flip(1, "to_server", counting="next")
        proxy.refuse()
        assert repr(proxy) == (
            f"<ChaosProxy 127.0.0.1:{proxy.port} -> /run/db.sock, refusing, 0 open, "
            "to_server: black hole, split 3, 1 for the next connection, to_client: delay 0.5 s>"
        )
        proxy.heal()
        assert repr(proxy).endswith(" -> /run/db.sock, listening, 0 open>")


async def test_before_it_is_entered_it_has_no_port() -> None:
    """Unless one was given; to refuse it must be there."""
    with pytest.raises(ConnectionError, match="enter it by `async with`"):
        _ = ChaosProxy(TARGET).port

    with pytest.raises(ConnectionError, match="is not entered"):
        ChaosProxy(TARGET).refuse()

    proxy = ChaosProxy(TARGET)
    proxy.heal()
    proxy.cut()

    async with proxy:
        with pytest.raises(ValidationError, match="entered already"):
            await proxy.__aenter__()

        taken = ChaosProxy(TARGET, port=proxy.port)
        assert taken.port == proxy.port

        with pytest.raises(ConnectionError, match=f"cannot listen on 127.0.0.1:{proxy.port}"):
            await taken.__aenter__()
