"""Storages whose transactions and savepoints end wrongly."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_manager = partial(Mutant, interface="storage", module="storage._transaction")
_levels = partial(Mutant, interface="storage", module="storage._levels")
_session = partial(Mutant, interface="storage", module="storage.sqlite._session")

MUTANTS: tuple[Mutant, ...] = (
    _manager(
        name="commits_where_it_should_roll_back",
        old='control("ROLLBACK", expires)',
        new='control("COMMIT", expires)',
        caught_by=(
            "S6_a_bad_row_undoes_all",
            "S6_a_row_of_another_length_undoes_all",
            "S6_an_error_of_the_iterable_comes_back",
            "S6_it_is_a_part_of_the_open_transaction",
            "S7_rollback_undoes",
            "S7_commit_of_an_aborted_one_rolls_back_and_raises",
            "S7_tables_are_transactional",
            "S15_a_block_rolls_back_on_an_error",
        ),
    ),
    _manager(
        name="rolls_back_where_it_should_commit",
        old='if level.parent else "COMMIT"',
        new='if level.parent else "ROLLBACK"',
        caught_by=(
            "S6_it_is_a_part_of_the_open_transaction",
            "S7_commit_keeps",
            "S15_a_block_commits_at_its_end",
        ),
    ),
    _session(
        name="commits_what_is_left_open",
        old='con.execute("ROLLBACK")',
        new='con.execute("COMMIT")',
        caught_by=(
            "S7_disconnect_rolls_back",
            "G7_a_cancelled_block_rolls_back",
            "G7_every_suspension_of_a_transaction_can_be_cancelled",
            "G7_execute_many_is_all_or_nothing_when_cancelled",
        ),
    ),
    Mutant(
        name="takes_a_commit_without_begin",
        interface="storage",
        module="storage._transactional",
        old='await transactions.commit(transactions.flat_level("commit", sys._getframe()))',
        new='if transactions.current("commit") is not None:\n'
        '            await transactions.commit(transactions.flat_level("commit", sys._getframe()))',
        caught_by=("S7_commit_or_rollback_without_begin_is_refused",),
    ),
    _levels(
        name="goes_on_after_a_failed_statement",
        old="if not before or self.session.is_lost():",
        new="if self.session.is_lost():",
        caught_by=(
            "S7_a_failed_statement_aborts_the_transaction",
            "S7_commit_of_an_aborted_one_rolls_back_and_raises",
            "S15_a_failed_statement_that_was_caught_fails_the_block",
            "G5_a_slow_statement_ends_in_time",
            "G7_a_cancelled_statement_aborts_its_transaction",
        ),
    ),
    _manager(
        name="says_nothing_when_a_failed_one_is_committed",
        old='await self.roll_back(level)\n            raise failed_error(level, "commit")\n\n        root =',
        new="await self.roll_back(level)\n            return\n\n        root =",
        caught_by=(
            "S7_commit_of_an_aborted_one_rolls_back_and_raises",
            "S7_a_failed_savepoint_is_rolled_back_alone",
            "S15_a_failed_statement_that_was_caught_fails_the_block",
        ),
    ),
    _manager(
        name="shows_everybody_the_open_transaction",
        old="if scope is None or isinstance(scope, Detached):\n            return None",
        new="if scope is None:\n"
        "            scope = next((root.innermost for root in self.roots), None)\n\n"
        "        if scope is None or isinstance(scope, Detached):\n"
        "            return None",
        caught_by=("S7_nobody_sees_what_is_not_committed",),
    ),
    _session(
        name="releases_the_savepoint_that_it_should_undo",
        old='con.execute(f"ROLLBACK TO SAVEPOINT {savepoint}")',
        new="pass",
        caught_by=(
            "S7_second_begin_is_a_savepoint",
            "S7_savepoints_nest",
            "S15_a_block_inside_a_transaction_is_a_savepoint",
        ),
    ),
    _manager(
        name="commits_all_with_the_savepoint",
        old='text = f"RELEASE SAVEPOINT {level.name}" if level.parent else "COMMIT"',
        new='text = "COMMIT"',
        caught_by=("S7_a_savepoint_ends_with_its_transaction", "S7_savepoints_nest"),
    ),
)
"""Each with the checks that notice it."""
