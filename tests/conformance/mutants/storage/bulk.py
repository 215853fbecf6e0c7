"""Storages whose ``execute_many`` is not all or nothing, or takes too little."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_bulk = partial(Mutant, interface="storage", module="storage.sqlite._bulk")

MUTANTS: tuple[Mutant, ...] = (
    _bulk(
        name="forgets_the_row_that_it_peeked_at",
        old="await _run(engine, plan, level, chain([first], rows))",
        new="await _run(engine, plan, level, chain([], rows))",
        caught_by=("S6_all_rows_are_written", "S6_any_write_runs_for_every_row"),
    ),
    _bulk(
        name="demands_a_list_of_rows",
        old="return iter(params_list)",
        new="return iter(params_list[:])",
        caught_by=("S6_any_iterable_of_rows", "S6_an_empty_iterable_does_nothing"),
    ),
    _bulk(
        name="throws_the_rows_of_returning_away",
        old="if statement.has_returning:",
        new="if False:",
        caught_by=("S6_returning_is_refused",),
    ),
    _bulk(
        name="fails_the_savepoint_of_the_bad_row_only",
        old="if outer is not None and level.failed is not None:",
        new="if False:",
        caught_by=("S6_a_bad_row_inside_a_transaction_undoes_with_it",),
    ),
)
"""Each with the checks that notice it."""
