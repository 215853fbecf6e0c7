"""Caches that mistake what a lost, late or broken answer means."""

from __future__ import annotations

from .._mutant import Mutant
from ._on_server import ASKED, server_cache, wire

__all__ = ["MUTANTS"]

MUTANTS: tuple[Mutant, ...] = (
    server_cache(
        name="calls_a_write_that_left_not_applied",
        old='        limit.outcome = "unknown"\n',
        new='        limit.outcome = "not_applied"\n',
        caught_by=(
            "E3_a_write_that_timed_out_is_unknown",
            "E3_a_write_whose_answer_was_lost_is_unknown",
        ),
    ),
    server_cache(
        name="calls_a_write_that_never_left_unknown",
        old="async with Limit(operation, self._deadline) as limit:",
        new='async with Limit(operation, self._deadline, outcome="unknown") as limit:',
        caught_by=("E3_a_write_that_never_left_says_so",),
    ),
    server_cache(
        name="asks_a_write_again",
        old="if not again or self.wire is None:",
        new="if self.wire is None:",
        caught_by=("E3_a_write_whose_answer_was_lost_is_unknown",),
    ),
    server_cache(
        name="asks_no_read_again",
        old="if not again or self.wire is None:",
        new="if True:",
        caught_by=(
            "C7_a_scan_whose_answer_is_cut_is_whole",
            "G9_a_read_whose_answer_is_cut_is_whole",
            "G9_a_read_over_a_lost_connection_succeeds",
            "G9_a_read_whose_answer_was_lost_succeeds",
        ),
    ),
    server_cache(
        name="asks_every_read_again_but_ttl",
        old='"PTTL", self.name(key), again=True)',
        new='"PTTL", self.name(key), again=False)',
        caught_by=(
            "G9_a_read_over_a_lost_connection_succeeds",
            "G9_a_read_whose_answer_was_lost_succeeds",
        ),
    ),
    server_cache(
        name="sends_again_what_is_not_answered_at_once",
        old=ASKED,
        new=(
            "        asked = asyncio.ensure_future(wire.ask(*command))\n"
            "        await asyncio.wait({asked}, timeout=0.1)\n"
            "        reply = await (asked if asked.done() else wire.ask(*command))\n"
        ),
        caught_by=("G9_a_late_server_applies_a_write_once", "G9_a_write_is_sent_once"),
    ),
    server_cache(
        name="writes_once_more_after_its_error",
        old="                exc.outcome = limit.outcome\n",
        new=(
            "                exc.outcome = limit.outcome\n"
            "                again_ = lambda: asyncio.ensure_future(self.sent(limit, *command))\n"
            "                asyncio.get_running_loop().call_later(0.06, again_)\n"
        ),
        caught_by=("G9_nothing_is_written_after_its_error",),
    ),
    server_cache(
        name="acknowledges_before_the_server_does",
        old='await self.ask("set", "SET", self.name(key), stored, *expiry)',
        new='asyncio.ensure_future(self.ask("set", "SET", self.name(key), stored, *expiry))',
        caught_by=("E3_an_acknowledged_write_outlives_a_kill",),
    ),
    wire(
        name="forgets_who_asked_when_the_caller_is_gone",
        old="        return await future\n",
        new=(
            "        try:\n"
            "            return await future\n"
            "        finally:\n"
            "            if future.cancelled() and future in self.waiting:\n"
            "                self.waiting.remove(future)\n"
        ),
        caught_by=(
            "G7_cancelled_calls_at_random_leave_every_answer_its_own",
            "G7_late_answers_go_to_nobody_else",
        ),
    ),
    wire(
        name="answers_who_was_cancelled",
        old="        return await future\n",
        new=(
            "        try:\n"
            "            return await future\n"
            "        except asyncio.CancelledError:\n"
            "            return None\n"
        ),
        caught_by=("G7_cancelled_calls_at_random_leave_every_answer_its_own",),
    ),
    server_cache(
        name="decodes_what_is_no_value",
        old="if not isinstance(found, bytes | None):",
        new="if False:",
        caught_by=("E2_a_damaged_answer_is_an_error_of_ours",),
    ),
    wire(
        name="takes_what_has_come_for_the_whole_answer",
        old=(
            "            while (reply := self.parser.gets()) is not False:\n"
            "                self.answer(self.waiting.popleft(), reply)\n"
        ),
        new=(
            "            while self.waiting and (reply := self.parser.gets()) is not False:\n"
            "                self.answer(self.waiting.popleft(), reply)\n"
            "\n"
            "            if self.waiting and self.parser.has_data():\n"
            "                self.answer(self.waiting.popleft(), None)\n"
        ),
        caught_by=(
            "C2_answers_in_single_bytes_are_right",
            "C7_a_scan_whose_answer_is_cut_is_whole",
            "G9_a_read_whose_answer_is_cut_is_whole",
        ),
    ),
)
