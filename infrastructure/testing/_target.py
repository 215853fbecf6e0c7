"""The server behind a proxy: an address of it, and how to connect there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Union

from ..interfaces.exceptions import ValidationError

__all__ = ["Target", "check_target", "connect_to", "shown"]

Target = Union[tuple[str, int], str, os.PathLike[str]]
"""A server: ``(host, port)``, or the path of a Unix socket."""


def check_target(target: Target) -> tuple[str, int] | str:
    """Return a target as a pair or a path, or raise ``ValidationError``."""
    if isinstance(target, str | os.PathLike):
        return os.fspath(target)

    match target:
        case (str(host), int(port)) if host and 0 < port < 65536:
            return host, port
        case _:
            msg = f"target is (host, port) or the path of a Unix socket, got {target!r}"
            raise ValidationError(msg)


def shown(target: tuple[str, int] | str) -> str:
    """Return a target as people write it."""
    return target if isinstance(target, str) else f"{target[0]}:{target[1]}"


async def connect_to(
    target: tuple[str, int] | str, factory: Callable[[], asyncio.Protocol]
) -> None:
    """Connect a protocol to the target; ``OSError`` where that fails."""
    loop = asyncio.get_running_loop()

    if isinstance(target, str):
        await loop.create_unix_connection(factory, target)
    else:
        await loop.create_connection(factory, *target)
