"""What only TimescaleDB has: retention, compression, continuous aggregates, chunks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import List, Optional, Union

from ..._core.lifecycle import Lifecycle
from ...interfaces.exceptions import ValidationError
from .._schema import parse_table_name
from ._aggregates import make_aggregate, parse_aggregate
from ._ask import Atomic
from ._compression import compress, parse_order, parse_segments
from ._intervals import Width, as_argument, check_width
from ._policies import COMPRESSION, REFRESH, RETENTION, ensure_policy, hypertable, using

__all__ = ["TimescaleStorage"]


class TimescaleStorage(Lifecycle):
    """The methods of a storage that need TimescaleDB.

    Each runs in a transaction of its own, or in a savepoint of the open one, and is idempotent:
    where what is wanted is there already, nothing happens; where it is there and different,
    ``OperationError`` shows how. Without TimescaleDB: ``ConfigurationError`` that says how to
    enable it.

    A width of time is a ``timedelta``, a text such as ``'7 days'`` or ``'1 month'``, or an
    ``int`` where the time column is of integers.
    """

    _atomic: Atomic

    async def add_retention_policy(
        self, table_name: str, drop_after: Union[timedelta, str, int]
    ) -> None:
        """Drop the chunks of a hypertable or a continuous aggregate when they are older, for ever."""
        operation = "add_retention_policy"
        self._check(operation)
        table = parse_table_name(table_name, schemas=True)
        widths = {"drop_after": check_width(drop_after, "drop_after")}

        async with using(self._atomic, operation) as (ask, extension):
            relation = await hypertable(ask, table, operation)
            await ensure_policy(ask, extension, relation, RETENTION, widths)

    async def add_compression_policy(
        self,
        table_name: str,
        compress_after: Union[timedelta, str, int],
        segment_by: Union[str, Sequence[str]] = (),
        order_by: Union[str, Sequence[str]] = (),
    ) -> None:
        """Compress the chunks of a hypertable when they are older, for ever.

        ``segment_by`` names the columns whose values a compressed batch has in common, and
        ``order_by`` how its rows are ordered, as after ORDER BY: ``['at DESC']``.
        """
        operation = "add_compression_policy"
        self._check(operation)
        table = parse_table_name(table_name, schemas=True)
        widths = {"compress_after": check_width(compress_after, "compress_after")}
        segments, order = parse_segments(segment_by), parse_order(order_by)

        async with using(self._atomic, operation) as (ask, extension):
            relation = await hypertable(ask, table, operation)
            await compress(ask, relation, segments, order)
            await ensure_policy(ask, extension, relation, COMPRESSION, widths)

    async def create_continuous_aggregate(
        self,
        name: str,
        query: str,
        *,
        start_offset: Union[timedelta, str, int, None] = None,
        end_offset: Union[timedelta, str, int, None] = None,
        schedule_interval: Union[timedelta, str, None] = None,
        materialized_only: bool = False,
    ) -> None:
        """Create a view of ``query`` that TimescaleDB keeps up to date.

        With ``schedule_interval`` it is refreshed so often, for the rows between ``start_offset``
        and ``end_offset`` before now; ``None`` is no bound. It begins empty: until a refresh (``CALL
        refresh_continuous_aggregate(...)``) its rows are computed when they are read, but with
        ``materialized_only``. Of one that is there the query is not compared.
        """
        operation = "create_continuous_aggregate"
        self._check(operation)
        view, text = parse_table_name(name, schemas=True), parse_aggregate(query)
        given = {"start_offset": start_offset, "end_offset": end_offset}
        offsets = {key: _width(value, key) for key, value in given.items()}
        schedule = _width(schedule_interval, "schedule_interval")

        if schedule is None and any(offsets.values()):
            msg = f"{operation}: start_offset and end_offset go with schedule_interval"
            raise ValidationError(msg, operation=operation)

        async with using(self._atomic, operation) as (ask, extension):
            relation = await make_aggregate(ask, view, text, materialized_only=materialized_only)

            if schedule is not None:
                await ensure_policy(ask, extension, relation, REFRESH, offsets, schedule)

    async def drop_chunks(
        self, table_name: str, older_than: Union[timedelta, str, int, datetime, date]
    ) -> List[str]:
        """Drop the chunks whose rows are all older, now; return their names.

        ``older_than`` is a width before now, or an instant.
        """
        operation = "drop_chunks"
        self._check(operation)
        table = parse_table_name(table_name, schemas=True)
        limit = (
            older_than if isinstance(older_than, date) else check_width(older_than, "older_than")
        )
        argument = _instant(limit) if isinstance(limit, date) else as_argument(limit, 2)

        async with using(self._atomic, operation) as (ask, extension):
            relation = await hypertable(ask, table, operation)
            rows = await ask(
                f"SELECT chunk::text AS name FROM {extension.function(operation)}"  # noqa: S608
                f"($1::text::regclass, older_than => {argument}) AS dropped(chunk)",
                [relation.name.quoted, limit],
            )

        return [row["name"] for row in rows]


def _width(value: Union[timedelta, str, int, None], what: str) -> Optional[Width]:
    return None if value is None else check_width(value, what)


def _instant(limit: date) -> str:
    if not isinstance(limit, datetime):
        return "$2::date"

    return "$2::timestamp" if limit.tzinfo is None else "$2::timestamptz"
