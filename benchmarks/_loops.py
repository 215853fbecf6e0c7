"""The event loops beside asyncio's own."""

from __future__ import annotations

import asyncio

__all__ = ["uvloop"]


def uvloop() -> asyncio.AbstractEventLoop:
    """Return a loop of uvloop."""
    from uvloop import new_event_loop

    return new_event_loop()
