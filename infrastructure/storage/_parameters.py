"""Whether the parameters of a call are as many as its statement takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..interfaces.exceptions import ValidationError
from ._statement import Statement, excerpt

__all__ = ["check_parameters"]


def check_parameters(
    statement: Statement, params: Sequence[Any] | None, row_index: int | None = None
) -> Sequence[Any]:
    """Return ``params`` as a list or tuple of the right length, or raise ``ValidationError``."""
    if params is None:
        params = ()
    elif not isinstance(params, (list, tuple)):
        msg = (
            "the parameters are a list in the order of $1, $2 ..., "
            f"got {type(params).__name__}{_row(row_index)}"
        )
        raise ValidationError(msg, row_index=row_index)

    if len(params) != statement.parameters:
        msg = (
            f"the statement takes {_expected(statement)}, got {len(params)}{_row(row_index)}: "
            f"{excerpt(statement.text)}{_hint(statement)}"
        )
        raise ValidationError(msg, row_index=row_index)

    return params


def _row(row_index: int | None) -> str:
    return "" if row_index is None else f" in row {row_index}"


def _expected(statement: Statement) -> str:
    count = statement.parameters

    if not count:
        return "no parameters"

    return "1 parameter ($1)" if count == 1 else f"{count} parameters ($1 ... ${count})"


def _hint(statement: Statement) -> str:
    if statement.foreign is None:
        return ""

    return (
        f" -- it contains {statement.foreign}: placeholders are written $1, $2 ... "
        "in the order of the parameters"
    )
