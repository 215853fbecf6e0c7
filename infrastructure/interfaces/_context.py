"""What a call inherits from its task: the deadline, the transactions, the message; and how a task starts without them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, ContextVar, Token, copy_context
from types import TracebackType
from typing import Any, Optional, TypeVar

from .exceptions import TimeoutError, ValidationError

__all__ = [
    "check_seconds",
    "deadline",
    "expiry",
    "factory_context",
    "message_infos",
    "open_instant",
    "refuse_when_expired",
    "start_task",
    "transactions",
]

T = TypeVar("T")

# An instant of time.monotonic(), or inf inside deadline(None); None where no block is open.
_instant: ContextVar[Optional[float]] = ContextVar("infrastructure_deadline", default=None)

open_instant: Callable[[], Optional[float]] = _instant.get
"""Return the instant by which the calls of this context must end, ``None`` where no block is open."""

# Per storage the innermost transaction scope that this task is in; the storages own the values.
transactions: ContextVar[Mapping[Any, Any]] = ContextVar("infrastructure_transactions", default={})  # noqa: B039 - never mutated, only replaced

# Set while a handler runs: gives what current_messages() answers, built only when asked for.
message_infos: ContextVar[Optional[Callable[[], tuple[Any, ...]]]] = ContextVar(
    "infrastructure_messages", default=None
)

# The loop holds its tasks weakly; a background task that nobody awaits would vanish mid-way.
_running: set[asyncio.Task[Any]] = set()


class deadline:  # noqa: N801 - it reads as a statement: `with deadline(2):`
    """Every call of the block, those of its child tasks too, ends within ``seconds``.

    The instant is fixed when the block is entered. Where blocks nest, the earliest
    instant rules. ``deadline(None)`` lifts the default of the single calls, never an
    enclosing block. A call that is too late raises ``TimeoutError``.
    """

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: Optional[float]) -> None:
        self._seconds = None if seconds is None else check_seconds("deadline", seconds)
        self._token: Optional[Token[Optional[float]]] = None

    def __enter__(self) -> None:
        if self._token is not None:
            # Two tasks would reset each other's; and one would stay for ever.
            msg = "a deadline block was entered while it is open: make one for each, with deadline(seconds)"
            raise RuntimeError(msg)

        own = math.inf if self._seconds is None else time.monotonic() + self._seconds
        enclosing = _instant.get()
        self._token = _instant.set(own if enclosing is None else min(own, enclosing))

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        token, self._token = self._token, None

        if token is not None:
            _instant.reset(token)


def check_seconds(name: str, seconds: float) -> float:
    """Return a positive, finite number of seconds as it is, or raise ``ValidationError``."""
    if type(seconds) not in (int, float) or not 0 < seconds < math.inf:
        msg = f"{name} takes a positive number of seconds, got {seconds!r}"
        raise ValidationError(msg)

    return float(seconds)


def expiry(default: Optional[float]) -> float:
    """Return the instant of ``time.monotonic()`` by which a call that starts now must end.

    ``default`` is what counts in seconds where no ``deadline`` block is open; ``None`` is no limit.
    """
    instant = _instant.get()

    if instant is not None:
        return instant

    return math.inf if default is None else time.monotonic() + default


def refuse_when_expired(operation: str) -> None:
    """Raise ``TimeoutError`` when the ``deadline`` block around the call is over."""
    instant = _instant.get()

    if instant is not None and instant <= time.monotonic():
        msg = f"{operation}: the deadline around the call had passed before it began"
        raise TimeoutError(msg, outcome="not_applied", operation=operation)


def factory_context() -> Context:
    """Return a copy of the calling context without its deadline and its transactions."""
    context = copy_context()
    context.run(_instant.set, None)
    context.run(transactions.set, {})
    return context


def start_task(
    coroutine: Coroutine[Any, Any, T], *, name: str, context: Optional[Context] = None
) -> asyncio.Task[T]:
    """Start a task that inherits nothing from its caller: an empty context unless one is given.

    It is held until it ends; the loop reports an error that nobody received.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(coroutine, name=name, context=Context() if context is None else context)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task
