"""``create_hypertable`` on PostgreSQL: TimescaleDB's, or an index on the time where that will do."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

from ..._core.tasks import logger
from ...interfaces.exceptions import (
    ConfigurationError,
    InfrastructureError,
    OperationError,
    ValidationError,
)
from ._ask import Ask, Atomic
from ._hypertable_checks import (
    Candidate,
    Partitions,
    Wanted,
    check_arguments,
    check_table,
    refuse_nulls,
)
from ._intervals import as_argument
from ._timescale import (
    TIME_INDEX,
    Extension,
    Mode,
    find_extension,
    indexed_by,
    not_enabled,
    partitioned_by,
)

__all__ = ["create_hypertable"]

# The first release whose create_hypertable takes by_range(...).
_BY_RANGE = (2, 13)
_MEANINGS: Mapping[str, tuple[type[InfrastructureError], str]] = {
    "42501": (ConfigurationError, "a hypertable is made by the owner of the table"),
    "22023": (ValidationError, "give a chunk_interval that fits the time column"),
    "23502": (ValidationError, "every row needs its time"),
}
"""What the server's errors are here: in every other case they are what they say."""


async def create_hypertable(
    atomic: Atomic,
    table_name: str,
    time_column: str,
    *,
    mode: Mode,
    chunk_interval: Any = None,
    migrate_data: bool = True,
    partitioning_column: str | None = None,
    number_partitions: int | None = None,
) -> None:
    """Make the time column NOT NULL and the table a hypertable; idempotent.

    Of a hypertable that is there, the chunks and partitions stay as they are.
    """
    partitions = Partitions(partitioning_column, number_partitions)
    wanted = check_arguments(table_name, time_column, chunk_interval, migrate_data, partitions)

    try:
        async with atomic("create_hypertable") as ask:
            enabled = await _create(ask, wanted, mode)
    except InfrastructureError as exc:
        if isinstance(exc, ValidationError) or exc.sqlstate not in _MEANINGS:
            raise

        raise _told(exc, wanted) from exc

    if not enabled:
        logger.warning(
            "create_hypertable: TimescaleDB is not enabled here: %s stays an ordinary table with an "
            "index on %s, without chunks, compression and retention",
            wanted.name,
            wanted.time_column,
        )


async def _create(ask: Ask, wanted: Wanted, mode: Mode) -> bool:
    """Make it, and return whether it is one of TimescaleDB."""
    table = await check_table(ask, wanted)
    extension = await find_extension(ask)

    if await _is_there(ask, table, extension):
        return extension is not None

    if extension is None and mode == "require":
        await refuse_nulls(ask, table)
        raise await not_enabled(ask, f"create_hypertable {str(table.wanted.name)!r}", index=True)

    await _lock(ask, table, extension)

    # Somebody else may have made it while this one waited for the lock.
    if not await _is_there(ask, table, extension):
        await _set_not_null(ask, table)
        await (_make_index(ask, table) if extension is None else _make(ask, table, extension))

    return extension is not None


async def _is_there(ask: Ask, table: Candidate, extension: Extension | None) -> bool:
    find = indexed_by if extension is None else partitioned_by
    found = await find(ask, table.relation)

    if found not in (None, table.wanted.time_column):
        msg = (
            f"create_hypertable: {str(table.wanted.name)!r} is a hypertable by {found!r} already, not by "
            f"{table.wanted.time_column!r}; nothing was changed"
        )
        raise OperationError(
            msg, sqlstate="TS110", outcome="not_applied", operation="create_hypertable"
        )

    return found is not None and not table.nullable


async def _lock(ask: Ask, table: Candidate, extension: Extension | None) -> None:
    # At once what is needed in the end: two that looked at the rows first would wait for each other.
    # An index alone lets readers go on.
    alone = extension is not None or table.nullable
    lock = "ACCESS EXCLUSIVE" if alone else "SHARE ROW EXCLUSIVE"
    await ask(f"LOCK TABLE {table.quoted} IN {lock} MODE", [])


async def _set_not_null(ask: Ask, table: Candidate) -> None:
    await refuse_nulls(ask, table)

    if table.nullable:
        await ask(f"ALTER TABLE {table.quoted} ALTER COLUMN {table.time} SET NOT NULL", [])


async def _make_index(ask: Ask, table: Candidate) -> None:
    if await indexed_by(ask, table.relation) is not None:
        return

    # By chance: a table may be renamed and another take its name, its index would keep it.
    index = TIME_INDEX + token_hex(8)
    await ask(f"CREATE INDEX {index} ON {table.quoted} ({table.time} DESC)", [])


async def _make(ask: Ask, table: Candidate, extension: Extension) -> None:
    wanted = table.wanted

    if table.of_integers and wanted.chunk_interval is None:
        logger.warning(
            "create_hypertable: the time column of %s is of integers: how wide TimescaleDB makes its chunks "
            "by itself knows nothing of their unit; give chunk_interval",
            wanted.name,
        )

    # Both partitions at once only in the old form: one that has rows takes no further dimension.
    by_range = extension.release >= _BY_RANGE and wanted.partitions.column is None
    params: list[Any] = [table.quoted, wanted.time_column, wanted.migrate_data]
    dimension = _by_range(wanted, extension, params) if by_range else _by_name(wanted, params)
    create = extension.function("create_hypertable")
    options = "if_not_exists => true, migrate_data => $3::boolean"
    await ask(
        f"SELECT true AS made FROM {create}($1::text::regclass, {dimension}, {options})",  # noqa: S608
        params,
    )


def _by_range(wanted: Wanted, extension: Extension, params: list[Any]) -> str:
    width = "".join(f", {argument}" for argument in _width(wanted, params))
    return f"{extension.function('by_range')}($2::text::name{width})"


def _by_name(wanted: Wanted, params: list[Any]) -> str:
    parts = ["$2::text::name"]
    parts += [f"chunk_time_interval => {argument}" for argument in _width(wanted, params)]

    if wanted.partitions.column is not None:
        params += wanted.partitions
        parts.append(f"partitioning_column => ${len(params) - 1}::text::name")
        parts.append(f"number_partitions => ${len(params)}::integer")

    return ", ".join(parts)


def _width(wanted: Wanted, params: list[Any]) -> list[str]:
    if wanted.chunk_interval is None:
        return []

    params.append(wanted.chunk_interval)
    return [as_argument(wanted.chunk_interval, len(params))]


def _told(exc: InfrastructureError, wanted: Wanted) -> InfrastructureError:
    kind, hint = _MEANINGS[str(exc.sqlstate)]
    msg = f"create_hypertable {str(wanted.name)!r} by {wanted.time_column!r}: {exc.message}; {hint}"
    return kind(msg, sqlstate=exc.sqlstate, operation="create_hypertable")
