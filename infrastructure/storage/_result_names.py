"""What the columns of a result are called, and the refusal of two of one name."""

from __future__ import annotations

from collections.abc import Sequence

from ..interfaces.exceptions import ValidationError
from ._outputs import outputs
from ._statement import Statement

__all__ = ["refuse_returned_twins", "refuse_twins", "result_names"]


def result_names(statement: Statement, described: Sequence[str]) -> list[str]:
    """Return the names of the columns that the database calls ``described``.

    An expression without an alias is named as PostgreSQL would: ``count(*)`` is ``count``.
    Two of one name raise ``ValidationError``, whose text shows the aliases to add.
    """
    names = outputs(statement.text, dialect=statement.dialect).names(described)
    refuse_twins(names, described)
    return names


def refuse_returned_twins(statement: Statement) -> None:
    """Raise, before it is executed, where a write would return two columns of one name.

    For databases that cannot undo one statement of a transaction. What a ``*`` brings is not
    known yet, so it must stand alone.
    """
    if not statement.has_returning:
        return

    found = outputs(statement.text, dialect=statement.dialect)
    labels = found.labels()
    refuse_twins(labels, labels)

    if found.star and (found.before or found.after):
        msg = "RETURNING has columns beside `*`, which may be of one name: list them all instead"
        raise ValidationError(msg)


def refuse_twins(names: Sequence[str], reported: Sequence[str]) -> None:
    """Raise where two columns have one name: a dict would lose one of them."""
    twins = sorted({name for name in names if names.count(name) > 1})

    if twins:
        aliases = ", ".join(
            f"{text} AS {name}_{position}"
            for position, (name, text) in enumerate(zip(names, reported, strict=True), 1)
            if name in twins and name in names[: position - 1]
        )
        msg = (
            f"the result has several columns named {', '.join(map(repr, twins))}; "
            f"give each a name of its own: {aliases}"
        )
        raise ValidationError(msg)
