"""Sees whether a reply is of a kind that can answer its request."""

from __future__ import annotations

from types import NoneType
from typing import Any

from ...interfaces.exceptions import ConnectionError
from ._request import Request
from ._signals import Refused
from ._sinks import OUT_OF_STEP

__all__ = ["fitting"]

# A server that works gives no others. What is not named here is not looked at.
_KINDS: dict[object, type | tuple[type, ...]] = {
    "EXISTS": int,
    "GET": (bytes, NoneType),
    "MGET": list,
    "PTTL": int,
    "SCAN": list,
    "UNLINK": int,
}


def fitting(request: Request, reply: Any) -> Any:
    """Return ``reply`` when it is of a kind that answers the request, or is an error."""
    command = request.command[0]
    kinds = _KINDS.get(command, object)

    if isinstance(reply, Refused) or (
        reply == b"OK" if command == "SET" else isinstance(reply, kinds)
    ):
        return reply

    msg = f"{request.operation}: {OUT_OF_STEP}, {type(reply).__name__} to {command!r}"
    raise ConnectionError(
        msg,
        outcome="not_applied" if request.reads else "unknown",
        operation=request.operation,
    )
