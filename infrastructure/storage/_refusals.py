"""Which statements ``execute`` does not take, or not here, and what to do instead."""

from __future__ import annotations

from ..interfaces.exceptions import TransactionError, ValidationError
from ._statement import Statement, StatementKind

__all__ = ["refuse"]

_BEGIN = "begin_transaction(), or `async with storage.transaction():`"
_TWO_PHASE = "a transaction here is committed in one phase: call commit()"
_CONTROL = {
    "BEGIN": f"call {_BEGIN}",
    "START": f"call {_BEGIN}",
    "COMMIT": "call commit()",
    "END": "call commit()",
    "ROLLBACK": "call rollback()",
    "ABORT": "call rollback()",
    "SAVEPOINT": f"inside a transaction {_BEGIN} makes a savepoint",
    "RELEASE": "commit() inside a savepoint releases it",
    "PREPARE": _TWO_PHASE,
}
_OPTIONS = {
    "postgresql": 'for every connection PostgresStorage(settings={"search_path": "app"}) sets it',
    "sqlite": "for every connection SQLiteStorage(pragmas={...}) sets it",
}


def refuse(statement: Statement, *, in_transaction: bool) -> None:
    """Raise where ``execute`` must not send ``statement``; a ``plain`` one never raises."""
    if statement.plain:
        return

    kind = statement.kind

    if kind is StatementKind.TRANSACTION_CONTROL:
        _refuse_control(statement)

    if kind is StatementKind.LISTEN:
        msg = f"{_name(statement)} needs a connection that stays: use listen(), where there is one"
        raise ValidationError(msg, operation="execute")

    if kind is StatementKind.COPY_CLIENT:
        msg = (
            "COPY between server and client does not go through execute(): write with "
            "execute_many(), read with stream()"
        )
        raise ValidationError(msg, operation="execute")

    if in_transaction:
        _refuse_inside(statement)
    elif kind is StatementKind.SESSION or statement.touches_session:
        _refuse_outside(statement)


def _name(statement: Statement) -> str:
    return " ".join(statement.keywords) or "the statement"


def _refuse_control(statement: Statement) -> None:
    words = statement.keywords
    what = _TWO_PHASE if "PREPARED" in words else _CONTROL[words[0]]
    msg = f"{_name(statement)} is not a statement for execute(): {what}"
    raise ValidationError(msg, operation="execute")


def _refuse_inside(statement: Statement) -> None:
    # A procedure may end transactions or not: only the server knows.
    if statement.kind is StatementKind.OUTSIDE and statement.keywords[0] != "CALL":
        msg = (
            f"{_name(statement)} cannot run inside a transaction: run it before or after it, or in "
            "`async with storage.detached():`"
        )
        raise TransactionError(msg, sqlstate="25001", operation="execute", outcome="not_applied")


def _refuse_outside(statement: Statement) -> None:
    if not statement.touches_session:
        msg = (
            f"{_name(statement)} has an effect inside a transaction only: run it inside "
            f"`async with storage.transaction():`; {_OPTIONS[statement.dialect]}"
        )
        raise TransactionError(msg, sqlstate="25P01", operation="execute", outcome="not_applied")

    msg = (
        f"{_name(statement)} changes the state of its connection, and the next statement may run "
        "on another: run both inside `async with storage.transaction():`; "
        f"{_OPTIONS[statement.dialect]}"
    )
    raise TransactionError(msg, sqlstate="25P01", operation="execute", outcome="not_applied")
