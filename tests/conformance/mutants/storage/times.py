"""Storages whose hypertables and time buckets are not TimescaleDB's."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_hyper = partial(Mutant, interface="storage", module="storage.sqlite._hypertables")
_buckets = partial(Mutant, interface="storage", module="storage.sqlite._buckets")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="takes_a_hypertable_for_a_different_table",
        interface="storage",
        module="storage._difference",
        old='if what == "null" and column.name == time_column and is_there == "NOT NULL":',
        new="if False:",
        caught_by=("S13_rows_stay_and_again_is_no_change",),
    ),
    _hyper(
        name="lets_rows_without_a_time_in",
        old="if column.nullable:",
        new="if False:",
        caught_by=("S13_the_time_is_not_null_afterwards",),
    ),
    _hyper(
        name="takes_no_date_for_a_time",
        old="if column.type.name not in _TIME_TYPES or",
        new='if column.type.name not in ("TIMESTAMPTZ", "TIMESTAMP") or',
        caught_by=("S13_every_time_type_will_do",),
    ),
    _hyper(
        name="says_nothing_of_a_table_that_is_missing",
        old="""raise _refused(f"there is no table {table!r}", sqlstate="42P01")""",
        new="return",
        caught_by=("S13_a_missing_table_is_refused",),
    ),
    _hyper(
        name="takes_every_column_for_a_time",
        old="if column.type.name not in _TIME_TYPES or column.type.dimensions:",
        new="if False:",
        caught_by=("S13_a_bad_column_is_refused",),
    ),
    _hyper(
        name="looks_at_the_primary_key_only",
        old="for key in schema.unique_keys:",
        new="for key in filter(None, [schema.primary_key]):",
        caught_by=("S13_a_key_without_the_time_is_refused",),
    ),
    _hyper(
        name="does_not_look_for_a_null",
        old="WHERE {time} IS NULL LIMIT 1",
        new="WHERE {time} IS NULL LIMIT 0",
        caught_by=("S13_a_null_is_refused",),
    ),
    _buckets(
        name="begins_weeks_where_months_begin",
        old="base or _MONDAY",
        new="base or _MONTH",
        caught_by=(
            "S14_buckets_begin_where_timescaledb_begins_them",
            "S14_dates_have_buckets_too",
        ),
    ),
    _buckets(
        name="has_no_bucket_for_null",
        old="if width is None or time is None:",
        new="if width is None:",
        caught_by=("S14_groups_by_bucket",),
    ),
    _buckets(
        name="rounds_a_mixed_width_to_months",
        old="if months and microseconds:",
        new="if False:",
        caught_by=("S14_mixed_widths_are_refused",),
    ),
)
"""Each with the checks that notice it."""
