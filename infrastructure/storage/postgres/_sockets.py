"""Waits on the event loop until libpq's socket can be read from or written to."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from functools import partial

__all__ = ["something_came", "wait_for_socket"]


async def wait_for_socket(descriptor: int, *, read: bool = False, write: bool = False) -> None:
    """Return when a socket is ready for one of the two; nothing stays registered."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    try:
        if read:
            loop.add_reader(descriptor, _set, ready)

        if write:
            loop.add_writer(descriptor, _set, ready)

        await ready
    finally:
        if read:
            loop.remove_reader(descriptor)

        if write:
            loop.remove_writer(descriptor)


def something_came(descriptor: int) -> Callable[[], object]:
    """Return what tells whether something came that was not read yet, be it the end."""
    # Not select() where there is a choice: it knows no descriptor from 1024 on.
    if not hasattr(select, "poll"):
        return lambda: select.select([descriptor], [], [], 0)[0]

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return partial(poll.poll, 0)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
