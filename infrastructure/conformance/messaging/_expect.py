"""Says which error must come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from ...interfaces import InfrastructureError
from ._inbox import PATIENCE

__all__ = ["raises"]

Error = TypeVar("Error", bound=InfrastructureError)


async def raises(error: type[Error], call: Awaitable[object], what: str) -> Error:
    """Return the ``error`` that awaiting ``call`` raises; fail when it raises none."""
    try:
        async with asyncio.timeout(PATIENCE):
            await call
    except error as exc:
        found = exc
    except Exception as exc:
        msg = f"{what} raised {type(exc).__name__}: {exc}; expected {error.__name__}"
        raise AssertionError(msg) from exc
    else:
        raise AssertionError(f"{what}: no {error.__name__} was raised")

    assert str(found), f"{what}: the {error.__name__} has no text"
    return found
