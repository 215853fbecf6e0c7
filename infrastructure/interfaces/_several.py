"""Checks what a call for several things was given: a text is one of them, though it can be iterated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from .exceptions import InfrastructureError, ValidationError

__all__ = ["at_position", "mapped", "several"]

T = TypeVar("T")


def several(items: Iterable[T], what: str) -> Iterable[T]:
    """Return ``items`` as they are, or raise ``ValidationError`` for one text or no iterable."""
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        msg = f"several {what} are a list or another iterable, got {type(items).__name__}"
        raise ValidationError(msg)

    return items


def mapped(items: Any, what: str) -> Mapping[Any, Any]:
    """Return ``items`` as they are, or raise ``ValidationError`` for what is no mapping."""
    if not isinstance(items, Mapping):
        msg = f"several {what} with their values are a dict or another mapping, got {type(items).__name__}"
        raise ValidationError(msg)

    return items


def at_position(exc: InfrastructureError, position: int) -> None:
    """Have an error of one of several tell which one it was of."""
    exc.row_index = position

    # Others may be shared by several calls.
    if isinstance(exc, ValidationError):
        exc.message = f"at position {position}: {exc.message}"
        exc.args = (exc.message,)
