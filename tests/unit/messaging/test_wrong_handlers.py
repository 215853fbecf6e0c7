"""What a developer is told whose handler is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial, wraps
from typing import Any

import pytest

from infrastructure.interfaces.exceptions import ValidationError
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging._registrations import check_subscription
from infrastructure.messaging.memory import MemoryMessaging

from .tiny_log import ZERO, Bench

NOTE = "cannot be a handler: that is an async function of one argument"


def plain(_: Any) -> None:
    """Forgotten: ``async``."""


async def takes_nothing() -> None:
    """Forgotten: the payload."""


async def fails(_: Any) -> None:
    """Is one, and has a mistake of its own."""
    raise TypeError


@pytest.mark.parametrize(
    ("handler", "told"), [(plain, True), (takes_nothing, True), (fails, False)]
)
async def test_a_handler_that_cannot_be_called_is_told_from_one_that_fails(
    handler: Callable[..., Any], told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The log of the dead letter ends with what a handler is."""
    bench = Bench()
    await bench.subscribe(handler, attempts=1)
    bench.engine.assigned([ZERO])
    bench.deliver("message")
    await bench.settle()
    assert [topic for topic, _ in bench.log.dead] == ["t.dlq"]
    assert caplog.text.rstrip().endswith(f".{handler.__name__} {NOTE}") is told
    bench.engine.close()


@pytest.mark.parametrize("options", [{}, {"handler_timeout": 5.0}])
async def test_what_is_no_handler_is_called_once(options: dict[str, Any]) -> None:
    """What it did it has done: it is not done three times."""
    calls: list[Any] = []
    bench = Bench()
    await bench.subscribe(calls.append, **options)
    bench.engine.assigned([ZERO])
    bench.deliver("message")
    await bench.settle()
    assert calls == ["message"]
    assert [topic for topic, _ in bench.log.dead] == ["t.dlq"]
    bench.engine.close()


async def yields(_: Any) -> AsyncIterator[None]:
    """Is an async generator."""
    yield


class Yields:
    """Is called as one."""

    async def __call__(self, _: Any) -> AsyncIterator[None]:
        yield


@pytest.mark.parametrize("handler", [yields, Yields(), partial(yields), takes_nothing, "handler"])
async def test_what_cannot_be_one_is_not_subscribed(handler: Any) -> None:
    """As far as that can be seen."""
    messaging = MemoryMessaging("memory://")

    for subscribing in (messaging.subscribe, messaging.subscribe_batch):
        with pytest.raises(ValidationError, match="an async function of the payload"):
            await subscribing("t", handler)


async def _takes_more(database: str, payload: Any) -> None:
    assert (database, payload) == ("database", "message")


@wraps(_takes_more)
async def _given_more(payload: Any) -> None:
    await _takes_more("database", payload)


class Handles:
    """Is one, in two ways."""

    async def __call__(self, payload: Any) -> None:
        assert payload == "message"

    async def method(self, payload: Any, *_more: Any, database: str = "") -> None:
        """Take the payload, and perhaps more."""
        assert payload == "message", database


@pytest.mark.parametrize(
    "handler",
    [
        _given_more,
        partial(_takes_more, "database"),
        Handles(),
        Handles().method,
        partial(Handles().method, database="d"),
        lambda payload, *_more: Handles()(payload),
    ],
)
async def test_all_else_that_may_be_one_is(handler: Any) -> None:
    """Whoever returns something that can be awaited."""
    check_subscription("t", handler, DeliveryOptions())
    bench = Bench()
    await bench.subscribe(handler, attempts=1)
    bench.engine.assigned([ZERO])
    bench.deliver("message")
    await bench.settle()
    assert bench.log.dead == []
    bench.engine.close()
