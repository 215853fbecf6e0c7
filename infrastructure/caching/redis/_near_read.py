"""Reads a key past the near cache, which keeps what it may."""

from __future__ import annotations

from typing import Any

from ...interfaces.exceptions import InfrastructureError
from ._calls import Calls
from ._commands import Commands
from ._near import Kept, Near

__all__ = ["read_near"]


async def read_near(
    near: Near, calls: Calls, commands: Commands, key: str, operation: str = "get"
) -> Any | None:
    """Return the value of a key, from where the near cache must wait for it or from the server.

    ``operation`` is what an error says was tried.
    """
    value = await near.fetch(key)

    if value is not None:
        return value

    ticket = near.ticket(key)

    try:
        return await _read(near, calls, commands, key, operation, ticket)
    finally:
        near.give_back(key, ticket)


async def _read(
    near: Near, calls: Calls, commands: Commands, key: str, operation: str, ticket: Kept
) -> Any | None:
    name = commands.prefix + key
    look = (commands.get(operation, name), commands.left(operation, name))
    data, left = await calls.mode.many(look)

    if isinstance(data, InfrastructureError):
        raise data

    if data is None:
        return None

    value = calls.value("get", name, data)

    if isinstance(left, int):
        await near.keep(key, ticket, value, left)

    return value
