"""What a developer is told whose handler is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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
