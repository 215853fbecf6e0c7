"""Storages that bend values on their way in or out."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_numbers = partial(Mutant, interface="storage", module="storage.sqlite._numbers")
_times = partial(Mutant, interface="storage", module="storage.sqlite._times")
_values = partial(Mutant, interface="storage", module="storage.sqlite.values")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="reads_no_schema_that_is_longer_than_a_value",
        interface="storage",
        module="storage.sqlite._loop_reader",
        old="SQLITE_LIMIT_LENGTH, _UNLIMITED",
        new="SQLITE_LIMIT_LENGTH, LONGEST_VALUE",
        caught_by=("S5_a_wide_table_is_written_by_its_types",),
    ),
    _times(
        name="stores_a_time_with_its_own_offset",
        old='value.astimezone(UTC).isoformat(timespec="microseconds")',
        new='value.isoformat(timespec="microseconds")',
        caught_by=("S5_a_time_comes_back_in_utc",),
    ),
    _numbers(
        name="takes_a_decimal_through_a_float",
        old="if type(value) is Decimal:\n        return value",
        new="if type(value) is Decimal:\n        return Decimal(repr(float(value)))",
        caught_by=("S5_values_come_back_type_exact", "S5_decimals_sum_and_average_exactly"),
    ),
    _numbers(
        name="takes_every_digit_of_a_float",
        old="return Decimal(repr(float.__float__(value)))",
        new="return Decimal(float.__float__(value))",
        caught_by=("S5_ints_and_decimals_fit_the_wider_types", "S5_a_subclass_counts_as_its_base"),
    ),
    _numbers(
        name="takes_a_bool_for_a_number",
        old="if not isinstance(value, int) or isinstance(value, bool):",
        new="if not isinstance(value, int):",
        caught_by=("S5_a_value_of_another_type_is_refused",),
    ),
    _numbers(
        name="reads_a_text_as_a_number",
        old='isinstance(value, bool) or not isinstance(value, (int, Decimal)):\n        mismatch(column_type, "a Decimal',
        new='isinstance(value, bool) or not isinstance(value, (int, str)):\n        mismatch(column_type, "a Decimal',
        caught_by=("S5_a_text_is_no_input_here",),
    ),
    _numbers(
        name="stores_a_nan_as_null",
        old="if math.isnan(number):",
        new="if False:",
        caught_by=("S5_a_nan_is_refused_here",),
    ),
    _values(
        name="writes_a_time_that_it_compares_otherwise",
        old="encode = _NAIVE if value.tzinfo is None else _AWARE\n    return encode(value)",
        new='return value.isoformat(" ")',
        caught_by=("S5_a_value_finds_its_row",),
    ),
    _values(
        name="stores_none_as_the_null_of_json",
        old="return None if value is None else encode_json(value)",
        new="return encode_json(value)",
        caught_by=("S5_none_fits_every_column",),
    ),
    _values(
        name="takes_a_text_for_json_that_was_written",
        old="return None if value is None else encode_json(value)",
        new="return value if value is None or isinstance(value, str) else encode_json(value)",
        caught_by=("S5_json_keeps_what_json_carries",),
    ),
    _values(
        name="takes_a_tuple_for_json",
        old="encode = _BY_TYPE.get(type(value))",
        new="encode = _BY_TYPE.get(list if isinstance(value, tuple) else type(value))",
        caught_by=("S5_a_list_is_no_array_here",),
    ),
    _values(
        name="cuts_a_text_that_is_too_long",
        old='if text[length:].strip(" "):',
        new="if False:",
        caught_by=("E1_a_value_out_of_range_has_its_sqlstate",),
    ),
    _values(
        name="cuts_every_blank_at_the_end",
        old="return text[:length]",
        new='return text.rstrip(" ")',
        caught_by=("S5_trailing_blanks_beyond_the_length_are_cut",),
    ),
    Mutant(
        name="checks_parameters_only",
        interface="storage",
        module="storage.sqlite.ddl",
        old="parts += checks(column)",
        new="pass",
        caught_by=("E1_a_value_in_sql_is_checked_too",),
    ),
    Mutant(
        name="rounds_half_to_even",
        interface="storage",
        module="storage._literals",
        old="Decimal(1).scaleb(-scale), context=_WIDE)",
        new='Decimal(1).scaleb(-scale), "ROUND_HALF_EVEN", context=_WIDE)',
        caught_by=("S5_a_decimal_is_rounded_to_its_scale",),
    ),
    Mutant(
        name="compares_decimals_as_texts",
        interface="storage",
        module="storage.sqlite.ddl",
        old='yield "COLLATE infrastructure_decimal"',
        new='yield "COLLATE BINARY"',
        caught_by=("S5_decimals_compare_as_numbers",),
    ),
    Mutant(
        name="leaves_a_cast_to_sqlite",
        interface="storage",
        module="storage.sqlite._rows",
        old="self.sql = rewrite_casts(statement.sqlite_text)",
        new="self.sql = statement.sqlite_text",
        caught_by=("S5_a_cast_restores_the_type", "S14_dates_have_buckets_too"),
    ),
)
"""Each with the checks that notice it."""
