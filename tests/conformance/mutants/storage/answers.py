"""Storages that mistake what a lost, late or broken answer means."""

from __future__ import annotations

from .._mutant import Mutant
from ._on_server import on_server, unshared

__all__ = ["MUTANTS"]

MUTANTS: tuple[Mutant, ...] = (
    unshared(
        name="calls_a_statement_that_left_not_applied",
        module="storage.postgres._requests",
        old='            limit.outcome = "not_applied" if harmless else "unknown"\n',
        new='            limit.outcome = "not_applied"\n',
        caught_by=(
            "E3_a_statement_that_timed_out_tells_the_truth",
            "G9_a_statement_is_run_once",
            "S11_a_lost_commit_is_unknown",
        ),
    ),
    on_server(
        name="calls_what_a_lost_lane_had_not_applied",
        module="storage.postgres._lane",
        old='set_exception(lost(entry.tried, self.reason, "unknown"))',
        new='set_exception(lost(entry.tried, self.reason, "not_applied"))',
        caught_by=("E3_a_statement_whose_answer_was_lost_is_unknown",),
    ),
    on_server(
        name="calls_a_statement_that_never_left_unknown",
        module="storage.postgres._pool",
        old="                waiter.granted.set_exception(own)\n",
        new=(
            '                own.outcome = "unknown"\n'
            "                waiter.granted.set_exception(own)\n"
        ),
        caught_by=("E3_a_statement_that_never_left_says_so",),
    ),
    unshared(
        name="runs_again_what_is_not_answered_at_once",
        module="storage.postgres._requests",
        old="            return await self.answer(tried, limit.outcome)\n",
        new=(
            "            began = self._loop.time()\n"
            "            results = await self.answer(tried, limit.outcome)\n\n"
            "            if self._loop.time() - began > 0.1 and not (pipeline or harmless):\n"
            "                self.begin(send, tried)\n"
            "                results = await self.answer(tried, limit.outcome)\n\n"
            "            return results\n"
        ),
        caught_by=("G9_a_late_server_runs_a_statement_once",),
    ),
    on_server(
        name="goes_on_outside_when_a_transaction_lost_its_connection",
        module="storage.postgres._engine",
        old="        connection = session_of(level).connection\n",
        new=(
            "        connection = session_of(level).connection\n"
            "\n"
            "        if not connection.is_open:\n"
            "            connection = await self.pool.lease(expires, None, operation)\n"
            "            session_of(level).connection = connection\n"
            "\n"
        ),
        caught_by=("S7_a_transaction_that_was_cut_leaves_nothing",),
    ),
    on_server(
        name="takes_a_commit_that_was_undone_for_done",
        module="storage.postgres._commits",
        old='        if status == "committed":\n',
        new='        if status in ("committed", "aborted"):\n',
        caught_by=("S11_what_is_said_of_a_lost_commit_is_true",),
    ),
    on_server(
        name="takes_a_commit_that_nobody_knows_of_for_done",
        module="storage.postgres._commits",
        old="        await asyncio.sleep(_AGAIN)\n\n    raise error\n",
        new="        await asyncio.sleep(_AGAIN)\n",
        caught_by=("S11_a_lost_commit_is_unknown",),
    ),
    on_server(
        name="takes_a_lost_answer_for_an_empty_one",
        module="storage.postgres._engine",
        old="            result = await self._answer(sent)\n",
        new=(
            "            try:\n"
            "                result = await self._answer(sent)\n"
            "            except ConnectionError:\n"
            "                return []\n"
        ),
        caught_by=("S3_rows_whose_answer_is_cut_are_whole_or_an_error",),
    ),
    on_server(
        name="takes_a_part_of_an_answer_for_the_end",
        module="storage.postgres._wire",
        old="            return\n\n        self._parse()\n",
        new=(
            "            return\n\n        self._parse()\n\n"
            "        if self.is_open and self.pgconn.is_busy():\n"
            "            self.lose(None)\n"
        ),
        caught_by=("S3_answers_in_single_bytes_are_right",),
    ),
    on_server(
        name="forgets_who_asked_when_nobody_waits",
        module="storage.postgres._lane",
        old="        now = monotonic()\n\n        while entries and not is_busy():\n",
        new=(
            "        now = monotonic()\n\n"
            "        while entries and entries[0].answer.done():\n"
            "            entries.popleft()\n\n"
            "        while entries and not is_busy():\n"
        ),
        caught_by=(
            "G7_cancelled_statements_at_random_leave_every_row_its_own",
            "G7_late_rows_go_to_nobody_else",
        ),
    ),
    unshared(
        name="acknowledges_a_row_that_never_left",
        module="storage.postgres._engine",
        old=(
            '            if exc.outcome != "not_applied" or connection.is_open or exc.sqlstate is not None:\n'
            "                raise\n"
            "        finally:\n"
        ),
        new=(
            '            if exc.outcome != "not_applied" or connection.is_open or exc.sqlstate is not None:\n'
            "                return []\n"
            "        finally:\n"
        ),
        caught_by=("E3_an_acknowledged_row_outlives_a_kill",),
    ),
)
"""All of them."""
