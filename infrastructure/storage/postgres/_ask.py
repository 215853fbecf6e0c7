"""How a change of the schema reaches the server: one statement at a time, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

__all__ = ["Ask", "Atomic", "Row"]

Row = dict[str, Any]

Ask = Callable[[str, Sequence[Any]], Awaitable[list[Row]]]
"""Runs one statement with its parameters and returns its rows; errors are ours."""

Atomic = Callable[[str], AbstractAsyncContextManager[Ask]]
"""Opens a transaction for an operation, or a savepoint in the open one; an error rolls it back."""
