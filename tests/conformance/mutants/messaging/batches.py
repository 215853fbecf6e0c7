"""Messaging whose batches are late, too long, out of order or acknowledged wrongly."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_attempts = partial(Mutant, interface="messaging", module="messaging._attempts")
_batches = partial(Mutant, interface="messaging", module="messaging._batches")
_calls = partial(Mutant, interface="messaging", module="messaging._calls")

MUTANTS: tuple[Mutant, ...] = (
    _batches(
        name="keeps_a_full_batch_waiting",
        old="return self._available // self._size.messages + len(self._again)",
        new="return len(self._again)",
        caught_by=("M8_full_batch_is_handed_over_at_once",),
    ),
    _batches(
        name="takes_all_of_a_key_into_a_batch",
        old="while followers and len(gathered) < self._size.messages and followers[0].trouble",
        new="while followers and followers[0].trouble",
        caught_by=("M8_full_batch_is_handed_over_at_once",),
    ),
    _batches(
        name="hands_over_full_batches_only",
        old="        self._due = True\n        self._wake()",
        new="        self._due = False\n        self._wake()",
        caught_by=("M8_batch_waits_no_longer_than_max_wait",),
    ),
    _batches(
        name="starts_the_clock_anew_at_each_message",
        old=("        if self._timer is None and not self._due:\n            self._timer ="),
        new=(
            "        if not self._due:\n"
            "            self._timer and self._timer.cancel()\n"
            "            self._timer ="
        ),
        caught_by=("M8_max_wait_counts_from_the_first_message",),
    ),
    _batches(
        name="does_not_look_at_keys_in_batches",
        old="        key = delivery.key\n",
        new="        key = delivery.key = None\n",
        caught_by=("M8_messages_stay_in_order_for_each_key",),
    ),
    _calls(
        name="tells_of_a_batch_in_another_order",
        old="tuple(delivery.record.info(attempt) for delivery in self._deliveries)",
        new="tuple(delivery.record.info(attempt) for delivery in reversed(self._deliveries))",
        caught_by=("M8_current_messages_match_the_list",),
    ),
    _attempts(
        name="repeats_a_failed_batch_for_ever",
        old="return Verdict.RETRY if trouble.attempts == 1 else Verdict.SPLIT",
        new="return Verdict.RETRY",
        caught_by=(
            "M8_failed_batch_is_retried_once_then_one_by_one",
            "M8_only_the_bad_message_is_dead_lettered",
        ),
    ),
    _attempts(
        name="splits_a_batch_at_its_first_failure",
        old="return Verdict.RETRY if trouble.attempts == 1 else Verdict.SPLIT",
        new="return Verdict.SPLIT",
        caught_by=("M8_failed_batch_is_retried_once_then_one_by_one",),
    ),
    _attempts(
        name="buries_a_batch_for_one_message",
        old="    if messages > 1:\n",
        new="    if False:\n",
        caught_by=("M8_only_the_bad_message_is_dead_lettered",),
    ),
    _batches(
        name="counts_the_failures_of_a_batch_for_each_message",
        old="attempts=shared, shared=shared,",
        new="attempts=shared,",
        caught_by=("M8_failure_of_the_list_ends_nobodys_attempts",),
    ),
    _attempts(
        name="splits_a_batch_because_of_an_outage",
        old="if is_outage(exc) and not",
        new="if messages == 1 and is_outage(exc) and not",
        caught_by=("M8_outage_makes_the_whole_batch_wait",),
    ),
    _calls(
        name="acknowledges_the_last_of_a_batch",
        old="        for delivery in self._deliveries:\n            delivery.finish()",
        new="        for delivery in self._deliveries[-1:]:\n            delivery.finish()",
        caught_by=("M8_returning_acknowledges_the_whole_list",),
    ),
    _calls(
        name="tells_of_a_batch_that_it_is_the_first_attempt",
        old="tuple(delivery.record.info(attempt) for delivery",
        new="tuple(delivery.record.info(1) for delivery",
        caught_by=("M8_failed_batch_is_retried_once_then_one_by_one",),
    ),
    _batches(
        name="lets_later_messages_overtake_a_split_batch",
        old="self._followers[delivery.key].appendleft(delivery)",
        new="self._followers[delivery.key].append(delivery)",
        caught_by=(
            "M8_failed_batch_is_retried_once_then_one_by_one",
            "M8_only_the_bad_message_is_dead_lettered",
        ),
    ),
)
