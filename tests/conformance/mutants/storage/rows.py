"""Storages that lose or misname what comes back, or tell an error wrongly."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_names = partial(Mutant, interface="storage", module="storage._result_names")
_rows = partial(Mutant, interface="storage", module="storage.sqlite._rows")
_groups = partial(Mutant, interface="storage", module="storage.sqlite._runs")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="gives_rows_as_tuples",
        interface="storage",
        module="storage.sqlite._loop_reader",
        old="return [dict(zip(names, row)) for row in rows]",
        new="return list(rows)",
        caught_by=("S3_rows_are_dicts", "G1_the_simple_use_is_simple"),
    ),
    _rows(
        name="gives_none_where_there_is_no_result",
        old="return [] if cursor.description is None else",
        new="return None if cursor.description is None else",
        caught_by=("S3_no_result_is_an_empty_list",),
    ),
    _rows(
        name="gives_the_first_row_of_returning",
        old="rows = read_all(con.execute(plan.sql, params), plan)\n",
        new="rows = read_all(con.execute(plan.sql, params), plan)[:1]\n",
        caught_by=("S3_returning_gives_rows",),
    ),
    _names(
        name="loses_one_of_two_columns_of_one_name",
        old="if twins:",
        new="if False:",
        caught_by=(
            "S3_two_columns_of_one_name_are_refused",
            "S3_two_names_of_returning_change_nothing",
            "S15_stream_has_the_errors_of_execute",
        ),
    ),
    Mutant(
        name="names_an_expression_as_sqlite_does",
        interface="storage",
        module="storage._outputs",
        old="name if item is None or item.name is None else item.name",
        new="name",
        caught_by=(
            "S3_an_expression_is_named_by_its_function",
            "S3_two_columns_of_one_name_are_refused",
        ),
    ),
    _groups(
        name="does_not_commit_a_group_of_statements",
        old="_commit(con, enter)\n    except sqlite3.Error:",
        new="pass\n    except sqlite3.Error:",
        caught_by=("G3_disconnect_under_load_ends_every_call",),
    ),
    _groups(
        name="undoes_neighbours_of_a_failed_statement",
        old="done.append((job, None, function_error(con, exc) or exc))",
        new='con.execute("ROLLBACK")\n'
        '                con.execute("BEGIN")\n'
        "                done.append((job, None, exc))",
        caught_by=("S3_statements_at_once_fail_alone",),
    ),
)
"""Each with the checks that notice it."""
