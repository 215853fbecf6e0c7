"""The policies of TimescaleDB: added once, compared where they are there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from ...interfaces.exceptions import (
    ConfigurationError,
    InfrastructureError,
    OperationError,
    ValidationError,
)
from .._schema import TableName
from ._ask import Ask, Atomic
from ._catalogue import Relation, seen_as
from ._intervals import Width, as_argument
from ._timescale import Extension, find_extension, not_enabled

__all__ = ["COMPRESSION", "REFRESH", "RETENTION", "Policy", "ensure_policy", "hypertable", "using"]


class Policy(NamedTuple):
    """What a kind of policy is called: the job, the function that adds it, the one that removes it."""

    job: str
    add: str
    remove: str


RETENTION = Policy("policy_retention", "add_retention_policy", "remove_retention_policy")
COMPRESSION = Policy("policy_compression", "add_compression_policy", "remove_compression_policy")
REFRESH = Policy(
    "policy_refresh_continuous_aggregate",
    "add_continuous_aggregate_policy",
    "remove_continuous_aggregate_policy",
)

_PARTITIONED = """
SELECT EXISTS (
  SELECT FROM timescaledb_information.hypertables
  WHERE hypertable_schema = $1::text AND hypertable_name = $2::text
) OR EXISTS (
  SELECT FROM timescaledb_information.continuous_aggregates
  WHERE view_schema = $1::text AND view_name = $2::text
) AS found"""

# Before 2.20 the policy of a continuous aggregate is seen under the table that keeps its rows.
_JOBS = """
FROM timescaledb_information.jobs WHERE proc_name = $3::text
  AND (hypertable_schema, hypertable_name) IN (
    SELECT $1::text::name, $2::text::name UNION ALL
    SELECT materialization_hypertable_schema, materialization_hypertable_name
    FROM timescaledb_information.continuous_aggregates
    WHERE view_schema = $1::text AND view_name = $2::text
  )"""


@asynccontextmanager
async def using(atomic: Atomic, operation: str) -> AsyncIterator[tuple[Ask, Extension]]:
    """Give TimescaleDB in a transaction of its own; without it ``ConfigurationError`` says what to do."""
    try:
        async with atomic(operation) as ask:
            extension = await find_extension(ask)

            if extension is None:
                raise await not_enabled(ask, operation)

            yield ask, extension
    except InfrastructureError as exc:
        if exc.sqlstate != "42501" or isinstance(exc, ConfigurationError):
            raise

        msg = f"{operation}: {exc.message}; it is the table's owner who may"
        raise ConfigurationError(msg, sqlstate="42501", operation=operation) from exc


async def hypertable(ask: Ask, name: TableName, operation: str) -> Relation:
    """Return a hypertable or a continuous aggregate, or raise ``ValidationError``."""
    relation = await seen_as(ask, name)

    if relation is not None:
        rows = await ask(_PARTITIONED, [relation.name.schema, relation.name.name])

        if rows[0]["found"]:
            return relation

    what = "there is no table" if relation is None else "no hypertable is"
    msg = f"{operation}: {what} {str(name)!r}; create_table and create_hypertable come first"
    raise ValidationError(msg, sqlstate="42P01", operation=operation)


async def ensure_policy(
    ask: Ask,
    extension: Extension,
    relation: Relation,
    policy: Policy,
    widths: Mapping[str, Width | None],
    schedule: Width | None = None,
) -> None:
    """Add a policy of these widths, or see that the one that is there has them."""
    params: list[object] = [relation.name.schema, relation.name.name, policy.job]
    same = " AND ".join(_same(key, width, params) for key, width in widths.items())
    rows = await ask(
        f"SELECT config::text AS config, {same} AS same {_JOBS}",
        params,
    )

    if not rows:
        await _add(ask, extension, relation, policy, {**widths, "schedule_interval": schedule})
    elif not rows[0]["same"]:
        raise _different(relation, policy, rows[0]["config"], widths)


def _same(key: str, width: Width | None, params: list[object]) -> str:
    if width is None:
        return f"config->>'{key}' IS NULL"

    params.append(width)
    kind = "bigint" if isinstance(width, int) else "interval"
    return f"coalesce((config->>'{key}')::{kind} = {as_argument(width, len(params))}, false)"


async def _add(
    ask: Ask,
    extension: Extension,
    relation: Relation,
    policy: Policy,
    options: Mapping[str, Width | None],
) -> None:
    params: list[object] = [relation.name.quoted]
    parts = ["$1::text::regclass"]

    for key, width in options.items():
        if width is not None:
            params.append(width)
            parts.append(f"{key} => {as_argument(width, len(params))}")
        elif policy is REFRESH:
            # Without an end it has none: there the function has no default.
            parts.append(f"{key} => NULL::interval")

    add = extension.function(policy.add)
    await ask(f"SELECT {add}({', '.join(parts)}, if_not_exists => true) AS job", params)


def _different(
    relation: Relation, policy: Policy, config: str, widths: Mapping[str, Width | None]
) -> OperationError:
    wanted = ", ".join(f"{key} = {width}" for key, width in widths.items())
    msg = (
        f"{policy.add}: {str(relation.name)!r} has one already that is different: {config}, wanted "
        f"{wanted}; nothing was changed: {policy.remove} comes first"
    )
    return OperationError(msg, sqlstate="42710", outcome="not_applied", operation=policy.add)
