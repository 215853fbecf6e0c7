"""Says which error must come, and that it has a text."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from ...interfaces import InfrastructureError
from .._expect import raises as raises_when_called
from ._inbox import patience

__all__ = ["raises"]

Error = TypeVar("Error", bound=InfrastructureError)


async def raises(error: type[Error], call: Awaitable[object], what: str) -> Error:
    """Return the ``error`` that awaiting ``call`` raises; fail when it raises none."""

    async def patiently() -> object:
        async with patience(lambda: what):
            return await call

    found = await raises_when_called(error, patiently, what)
    assert str(found), f"{what}: the {error.__name__} has no text"
    return found
