"""A transaction for a change of the schema: one of its own, or a savepoint in the open one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from ..._core.deadline import expiry
from .._blocks import CallBlock
from .._statement import parse_statement
from ._ask import Ask, Atomic
from ._engine import Engine
from ._statements import run
from .errors import called

__all__ = ["atomic_of"]


def atomic_of(engine: Engine) -> Atomic:
    """Return what opens such a transaction on ``engine``."""

    def atomic(operation: str) -> AbstractAsyncContextManager[Ask]:
        return _atomic(engine, operation)

    return atomic


@asynccontextmanager
async def _atomic(engine: Engine, operation: str) -> AsyncIterator[Ask]:
    with called(operation):
        async with _block(engine, operation) as ask:
            yield ask


@asynccontextmanager
async def _block(engine: Engine, operation: str) -> AsyncIterator[Ask]:
    async with CallBlock(engine.transactions, lambda _operation: None):
        level = engine.transactions.current(operation)
        assert level is not None
        inside = level

        async def ask(sql: str, params: Sequence[Any]) -> list[dict[str, Any]]:
            statement, expires = parse_statement(sql), expiry(engine.deadline)
            return await engine.inside(
                inside,
                operation,
                expires,
                lambda connection: run(engine.plans, connection, statement, params, expires),
            )

        yield ask
