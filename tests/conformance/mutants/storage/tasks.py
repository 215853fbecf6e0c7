"""Storages that do not know which task is in a transaction, or who may end it."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_manager = partial(Mutant, interface="storage", module="storage._transaction")
_levels = partial(Mutant, interface="storage", module="storage._levels")
_writer = partial(Mutant, interface="storage", module="storage.sqlite._writer")
_outcome = partial(Mutant, interface="storage", module="storage.sqlite._outcome")

MUTANTS: tuple[Mutant, ...] = (
    _manager(
        name="stays_in_what_was_begun_inside_a_block",
        old="if scope is left or inside:",
        new="if scope is left:",
        caught_by=("S9_the_owner_leaves_a_block_with_what_it_began_inside",),
    ),
    _manager(
        name="begins_for_a_task_that_ends_with_it",
        old="if runs_as_own_task(caller):",
        new="if False:",
        caught_by=("S8_begin_as_a_task_of_its_own_is_refused",),
    ),
    _manager(
        name="lets_nobody_commit_for_the_owner",
        old="if level.owner is not asyncio.current_task() and not runs_as_own_task(caller):",
        new="if level.owner is not asyncio.current_task():",
        caught_by=("S8_commit_and_rollback_as_tasks_act_for_the_owner",),
    ),
    Mutant(
        name="ends_a_block_in_its_own_task_only",
        interface="storage",
        module="storage._blocks",
        old="assert level is not None",
        new="assert level is not None and level.owner is asyncio.current_task()",
        caught_by=("S8_a_block_may_end_in_another_task",),
    ),
    _manager(
        name="runs_a_child_outside",
        old="level: Optional[Level] = scope\n        task = asyncio.current_task()",
        new="task = asyncio.current_task()\n        level = scope if scope.owner is task else None",
        caught_by=("S9_child_tasks_join_the_transaction",),
    ),
    _manager(
        name="lets_a_child_begin",
        old="if level is not None and level.owner is not asyncio.current_task():",
        new="if False:",
        caught_by=("S9_a_child_may_not_begin_commit_or_roll_back",),
    ),
    _manager(
        name="lets_a_late_child_slip_outside",
        old="if level.owner is not task:",
        new="if False:",
        caught_by=("S9_a_child_of_an_ended_transaction_is_refused",),
    ),
    _manager(
        name="leaves_the_owner_in_its_ended_transaction",
        old="level.root.session.release()\n\n        self.rebind(level, level.parent or level.root.outside)",
        new="level.root.session.release()",
        caught_by=("S9_the_owner_is_outside_afterwards",),
    ),
    _levels(
        name="lets_everybody_into_a_savepoint",
        old="if not self._busy and (with_inner or self._innermost is level):",
        new="if not self._busy:",
        caught_by=("S9_the_block_of_a_child_has_the_connection_to_itself",),
    ),
    _levels(
        name="fails_the_transaction_that_was_waited_for",
        old="await self.take_turn(level, expires, operation)\n\n        try:",
        new="try:\n            await self.take_turn(level, expires, operation)",
        caught_by=("S9_a_wait_for_the_turn_fails_nothing",),
    ),
    _manager(
        name="commits_what_a_task_left_open",
        old='self._tasks.start(self._roll_back_quietly(level), "roll back what',
        new='self._tasks.start(self.commit(level), "roll back what',
        caught_by=("S9_a_task_that_dies_with_its_transaction_is_rolled_back",),
    ),
    _writer(
        name="lets_a_task_wait_for_itself",
        old="self._refuse_own(held, tried)",
        new="pass",
        caught_by=("S10_another_connection_for_the_holder_is_refused",),
    ),
    _writer(
        name="does_not_say_who_holds_the_writer",
        old="f\"it is held by {self._holders() or f'{len(self._queue)} that wait before it'}\"",
        new='"try again later"',
        caught_by=("S10_a_wait_for_the_writer_names_its_holder",),
    ),
    _outcome(
        name="prefers_the_answer_to_the_cancellation",
        old="        job.give_up()\n",
        new="        if job.future.done() and not job.future.cancelled():\n"
        "            return job.future.result()\n\n"
        "        job.give_up()\n",
        caught_by=("G7_every_suspension_of_every_method_can_be_cancelled",),
    ),
    _outcome(
        name="lets_a_cancelled_statement_run_on",
        old="        job.give_up()\n",
        new="        job.claim()\n",
        caught_by=("G7_a_cancelled_statement_ends_at_once",),
    ),
    _levels(
        name="leaves_who_waits_for_a_turn_at_a_disconnect",
        old="while not self.gone and",
        new="while",
        caught_by=("G3_disconnect_ends_who_waits",),
    ),
    _manager(
        name="commits_although_a_child_failed_meanwhile",
        old="failed = level.failed is not None\n",
        new="failed = False\n",
        caught_by=("S9_a_failure_of_a_child_fails_the_commit",),
    ),
    _manager(
        name="leaves_a_cancelled_savepoint_open",
        old='self._tasks.start(self._roll_back_quietly(level), "roll back a cancelled savepoint")',
        new="pass",
        caught_by=("S9_a_cancelled_block_of_a_child_is_undone_alone",),
    ),
    _levels(
        name="loses_the_turn_with_who_was_cancelled",
        old="if waiter.has_turn:",
        new="if False:",
        caught_by=("S9_a_cancelled_turn_goes_to_the_next",),
    ),
    _writer(
        name="loses_the_writer_with_who_was_cancelled",
        old="granted.release()",
        new="pass",
        caught_by=("G7_a_cancelled_place_goes_to_the_next",),
    ),
)
"""Each with the checks that notice it."""
