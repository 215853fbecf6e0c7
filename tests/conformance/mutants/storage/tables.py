"""Storages that make another table than they were told, or compare it wrongly."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_ddl = partial(Mutant, interface="storage", module="storage.sqlite.ddl")
_names = partial(Mutant, interface="storage", module="_core.names")
_schema = partial(Mutant, interface="storage", module="storage._schema")
_difference = partial(Mutant, interface="storage", module="storage._difference")

MUTANTS: tuple[Mutant, ...] = (
    _schema(
        name="forbids_null_unless_it_is_allowed",
        old="return ColumnSpec(name, column_type, **constraints)",
        new='return ColumnSpec(name, column_type, **{"nullable": False, **constraints})',
        caught_by=("S12_a_type_text_makes_a_column",),
    ),
    _ddl(
        name="allows_null_in_a_primary_key",
        old="if not column.nullable:",
        new="if not column.nullable and not column.primary_key:",
        caught_by=("S12_a_primary_key_is_unique_and_not_null",),
    ),
    Mutant(
        name="does_not_escape_a_quote_in_a_default",
        interface="storage",
        module="storage._literals",
        old="""return cursor.take().text[1:-1].replace("''", "'")""",
        new="return cursor.take().text[1:-1]",
        caught_by=("S12_a_default_is_filled_in",),
    ),
    Mutant(
        name="compares_a_default_by_its_text",
        interface="storage",
        module="storage.sqlite._defaults",
        old="stored = _stored(text)",
        new="stored = None",
        caught_by=("S12_the_same_table_again_is_no_change",),
    ),
    _schema(
        name="reads_a_type_up_to_the_first_mark",
        old="while not cursor.at_end:",
        new="while cursor.keyword:",
        caught_by=("S12_a_bad_type_is_refused",),
    ),
    _names(
        name="counts_the_characters_of_a_name",
        old="if size > 63:",
        new="if len(name) > 63:",
        caught_by=("S12_a_bad_name_is_refused",),
    ),
    _names(
        name="folds_a_quoted_name",
        old="check_identifier(name).replace",
        new="check_identifier(name).lower().replace",
        caught_by=("S12_names_keep_every_character",),
    ),
    Mutant(
        name="takes_every_table_that_exists",
        interface="storage",
        module="storage.sqlite._tables",
        old="if found is not None:",
        new="if False:",
        caught_by=("S12_a_difference_is_shown_and_nothing_changes",),
    ),
    _difference(
        name="refuses_every_further_column",
        old="needed = not (column.nullable or column.default is not None or column.identity)",
        new="needed = True",
        caught_by=("S12_a_further_column_that_fills_itself_is_no_difference",),
    ),
    Mutant(
        name="takes_every_python_type_for_not_null",
        interface="storage",
        module="storage._types",
        old="nullable = len(members) < len(get_args(spec))",
        new="nullable = False",
        caught_by=("S12_a_python_type_is_a_type",),
    ),
    _ddl(
        name="forgets_a_key_of_two_columns",
        old="if len(primary) > 1:",
        new="if False:",
        caught_by=("S12_a_column_says_more",),
    ),
    _schema(
        name="does_not_number_a_serial",
        old='{"identity": True} if serial else {}',
        new="{}",
        caught_by=("S12_an_identity_numbers_by_itself",),
    ),
    Mutant(
        name="leaves_foreign_keys_off",
        interface="storage",
        module="storage.sqlite._settings",
        old='"foreign_keys": "ON"',
        new='"foreign_keys": "OFF"',
        caught_by=("S12_a_reference_is_checked",),
    ),
)
"""Each with the checks that notice it."""
