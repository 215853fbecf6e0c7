"""What checks have in common: to expect an error in words, and to let something run beside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from ..interfaces import InfrastructureError, exceptions
from ..interfaces._context import start_task

__all__ = ["apart", "beside", "equal", "exactly", "has_state", "name_of", "raises", "turns"]

T = TypeVar("T")
Error = TypeVar("Error", bound=BaseException)


def equal(found: object, wanted: object) -> None:
    """Assert that two values are equal, and show them where they are not."""
    # pytest shows the line of the check then, not this one.
    __tracebackhide__ = True
    assert found == wanted, f"got {found!r:.300}, expected {wanted!r:.300}"


def exactly(found: object, wanted: object) -> None:
    """Assert that it is this very object: ``None``, ``True`` or ``False`` mostly."""
    __tracebackhide__ = True
    assert found is wanted, f"got {found!r:.300}, expected exactly {wanted!r:.300}"


def has_state(error: InfrastructureError, sqlstate: str, what: object = "the error") -> None:
    """Assert that an error carries PostgreSQL's code for its cause, and show it where not."""
    __tracebackhide__ = True
    found = error.sqlstate
    assert found == sqlstate, f"{what}: sqlstate is {found!r}, expected {sqlstate!r}: {error}"


def name_of(error: BaseException) -> str:
    """Return the name of its class; a driver's ``IntegrityError`` is told from ours."""
    cls = type(error)
    builtin = cls.__module__ == "builtins" and not hasattr(exceptions, cls.__name__)
    return cls.__name__ if builtin or isinstance(error, InfrastructureError) else _full_name(cls)


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


async def raises(error: type[Error], call: Callable[[], Awaitable[Any]], what: str) -> Error:
    """Return the ``error`` that ``call()`` raises."""
    __tracebackhide__ = True

    try:
        result = await call()
    except error as exc:
        found = exc
    except Exception as exc:
        msg = f"{what} raised {name_of(exc)}: {exc}; expected {error.__name__}"
        raise AssertionError(msg) from exc
    else:
        msg = f"{what} returned {result!r:.80}; expected {error.__name__}"
        raise AssertionError(msg)

    # CPython 3.11 traces the callers of a coroutine into which an error was thrown again only
    # when they are resumed: without a turn the rest of a check would not count as covered.
    await asyncio.sleep(0)
    return found


def beside(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task as a user would: in a copy of the calling context."""
    return start_task(coroutine, name="check", context=copy_context())


def apart(coroutine: Coroutine[Any, Any, T], name: str = "apart") -> asyncio.Task[T]:
    """Start a task that inherits nothing: no deadline, no transaction."""
    return start_task(coroutine, name=name)


async def turns(count: int = 20) -> None:
    """Let what is ready run, and what that makes ready."""
    for _ in range(count):
        await asyncio.sleep(0)
