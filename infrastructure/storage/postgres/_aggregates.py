"""Continuous aggregates: views that TimescaleDB keeps up to date."""

from __future__ import annotations

from typing import Any

from ...interfaces.exceptions import OperationError, ValidationError
from .._schema import TableName
from .._statement import StatementKind, excerpt, parse_statement
from ._ask import Ask
from ._catalogue import Relation, made_as

__all__ = ["make_aggregate", "parse_aggregate"]

_AGGREGATE = """
SELECT true AS found FROM timescaledb_information.continuous_aggregates
WHERE view_schema = $1::text AND view_name = $2::text"""


def parse_aggregate(query: Any) -> str:
    """Return the text of one SELECT without parameters, or raise ``ValidationError``."""
    statement = parse_statement(query)

    if statement.kind is StatementKind.READ and not statement.parameters:
        return statement.text

    msg = (
        "create_continuous_aggregate takes one SELECT ... GROUP BY time_bucket(...) without parameters, "
        f"got {excerpt(statement.text)}"
    )
    raise ValidationError(msg, operation="create_continuous_aggregate")


async def make_aggregate(
    ask: Ask, name: TableName, query: str, *, materialized_only: bool
) -> Relation:
    """Make it without data, or return the one that is there; another relation is an error."""
    relation = await made_as(ask, name)

    if relation is None:
        # On a line of its own: the query may end with a comment.
        await ask(
            f"CREATE MATERIALIZED VIEW {name.quoted} WITH (timescaledb.continuous, "
            f"timescaledb.materialized_only = {str(materialized_only).lower()}) AS\n{query}\nWITH NO DATA",
            [],
        )
        relation = await made_as(ask, name)
        assert relation is not None
        return relation

    if await ask(_AGGREGATE, [relation.name.schema, relation.name.name]):
        return relation

    msg = (
        f"create_continuous_aggregate: {str(name)!r} is there and is no continuous aggregate; "
        "nothing was changed"
    )
    raise OperationError(
        msg, sqlstate="42P07", outcome="not_applied", operation="create_continuous_aggregate"
    )
