"""Caches that wait too long or not long enough, for a server that does not answer."""

from __future__ import annotations

from .._mutant import Mutant
from ._on_server import server_cache, server_part

__all__ = ["MUTANTS"]

MUTANTS: tuple[Mutant, ...] = (
    server_cache(
        name="waits_for_an_answer_for_ever",
        old="async with Limit(operation, self._deadline) as limit:",
        new='async with Limit(operation, expires=float("inf")) as limit:',
        caught_by=(
            "C9_get_or_set_ends_when_the_server_falls_silent",
            "E3_a_call_that_timed_out_names_itself",
            "E3_a_write_that_timed_out_is_unknown",
            "G5_a_block_rules_over_a_silent_server",
            "G5_every_call_to_a_frozen_server_ends",
            "G5_every_call_to_a_silent_server_ends",
        ),
    ),
    server_cache(
        name="takes_its_own_deadline_for_that_of_the_block",
        old="async with Limit(operation, self._deadline) as limit:",
        new=(
            "loop = asyncio.get_running_loop()\n"
            "        async with Limit(operation, expires=loop.time() + self._deadline) as limit:"
        ),
        caught_by=("G5_a_block_rules_over_a_silent_server",),
    ),
    server_cache(
        name="gives_a_slow_server_up_before_the_deadline",
        old="async with Limit(operation, self._deadline) as limit:",
        new="async with Limit(operation, 0.2) as limit:",
        caught_by=("C2_late_answers_are_right",),
    ),
    server_part(
        module="_core.lifecycle",
        name="connects_for_ever",
        old='async with Limit("connect", self._deadline) as limit:',
        new='async with Limit("connect", None) as limit:',
        caught_by=(
            "G5_a_connect_to_a_frozen_server_ends",
            "G5_a_connect_to_a_silent_server_ends",
        ),
    ),
    server_part(
        module="_core.errors",
        name="hides_what_broke",
        old="        raise translate(errors, tried, exc) from exc",
        new="        raise translate(errors, tried, exc) from None",
        caught_by=(
            "E3_a_write_whose_answer_was_lost_is_unknown",
            "G3_a_refused_connect_leaves_nothing",
        ),
    ),
    server_part(
        module="_core.deadline",
        name="does_not_say_what_timed_out",
        old='msg = f"{self.operation}: the deadline passed{self.more}"',
        new='msg = "the deadline passed"',
        caught_by=("E3_a_call_that_timed_out_names_itself",),
    ),
)
