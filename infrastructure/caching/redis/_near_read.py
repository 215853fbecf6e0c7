"""Reads a key past the near cache, which keeps what it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...interfaces.exceptions import InfrastructureError
from ._commands import Commands
from ._mode import Mode
from ._near import Near

__all__ = ["read_near"]


async def read_near(
    near: Near, mode: Mode, commands: Commands, key: str, value_of: Callable[[str, Any], Any]
) -> Any | None:
    """Return the value of a key, from where the near cache must wait for it or from the server."""
    value = await near.fetch(key)

    if value is not None:
        return value

    name = commands.prefix + key
    ticket = near.ticket(key)
    look = (commands.get("get", name), commands.left("get", name))
    data, left = await mode.many(look)

    if isinstance(data, InfrastructureError):
        raise data

    if data is None:
        return None

    value = value_of(name, data)

    if isinstance(left, int):
        await near.keep(key, ticket, value, left)

    return value
