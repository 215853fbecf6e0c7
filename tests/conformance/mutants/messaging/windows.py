"""Messaging that holds too much, commits too far or never lets a publisher go on."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_memory = partial(Mutant, interface="messaging", module="messaging.memory._messaging")
_topic = partial(Mutant, interface="messaging", module="messaging.memory._topic")
_window = partial(Mutant, interface="messaging", module="messaging._window")
_windows = partial(Mutant, interface="messaging", module="messaging._windows")

MUTANTS: tuple[Mutant, ...] = (
    _window(
        name="takes_more_than_its_window",
        old="room = self.limit - self.messages",
        new="room = self.limit",
        caught_by=("M12_window_bounds_what_is_started",),
    ),
    _window(
        name="counts_no_bytes_against_the_window",
        old="        if self.size >= self.limit_bytes:\n            return 0\n",
        new="",
        caught_by=("M12_window_bounds_the_bytes_that_are_held",),
    ),
    _windows(
        name="never_reads_on_behind_a_full_window",
        old="self._log.resume(window.partition)",
        new="pass",
        caught_by=("M12_window_bounds_what_is_started",),
    ),
    _window(
        name="looks_at_a_full_window_in_large_steps",
        old="min(calls, sum(not delivery.done for delivery in self.pending))",
        new="calls",
        caught_by=("M12_full_window_goes_on_behind_its_slowest_message",),
    ),
    Mutant(
        name="has_no_room_for_a_batch_in_its_window",
        interface="messaging",
        module="messaging._subscriptions",
        old="self.least = max(self.least, 2 * batch.messages if batch else 1)",
        new="pass",
        caught_by=("M12_window_holds_two_batches",),
    ),
    _window(
        name="commits_up_to_the_last_finished_message",
        old="while pending and pending[0].done:",
        new="while pending and any(delivery.done for delivery in pending):",
        caught_by=("M12_unfinished_message_comes_again",),
    ),
    _topic(
        name="takes_more_than_max_log",
        old="if self.held >= self.max_log or self.held_bytes >= MAX_BYTES:",
        new="if self.held_bytes >= MAX_BYTES:",
        caught_by=(
            "M12_publish_waits_for_room_until_its_deadline",
            "M12_blocked_publish_goes_on_when_there_is_room",
            "G3_disconnect_fails_a_publish_that_waits",
        ),
    ),
    _memory(
        name="says_unknown_of_a_message_without_room",
        old='msg, outcome="not_applied", retryable=True, operation="publish"',
        new='msg, outcome="unknown", retryable=True, operation="publish"',
        caught_by=("M12_publish_waits_for_room_until_its_deadline",),
    ),
    _memory(
        name="waits_for_room_whatever_the_deadline_option_says",
        old='Limit("publish", self._deadline)',
        new='Limit("publish", None)',
        caught_by=("G5_deadline_option_is_the_default_of_a_call",),
    ),
    _topic(
        name="lets_no_publisher_go_on",
        old="        log.cursors[group] = offset\n        self._recount(log)\n        self._make_room()",
        new="        log.cursors[group] = offset\n        self._recount(log)",
        caught_by=("M12_blocked_publish_goes_on_when_there_is_room",),
    ),
    _memory(
        name="leaves_publishers_waiting_after_disconnect",
        old="for future in self._blocked:",
        new="for future in ():",
        caught_by=("G3_disconnect_fails_a_publish_that_waits",),
    ),
    Mutant(
        name="reads_nothing_that_is_larger_than_its_room",
        interface="messaging",
        module="messaging.memory._partition",
        old="max(1, sum(total <= size for total in accumulate(sizes)))",
        new="sum(total <= size for total in accumulate(sizes))",
        caught_by=("M12_window_bounds_the_bytes_that_are_held",),
    ),
    Mutant(
        name="commits_once_and_never_again",
        interface="messaging",
        module="messaging._commits",
        old="            self._timer, self._when = None, math.inf\n",
        new="",
        caught_by=("M12_blocked_publish_goes_on_when_there_is_room",),
    ),
)
