"""Messaging that handles keys out of order, or makes one wait for another."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_lanes = partial(Mutant, interface="messaging", module="messaging._lanes")
_queues = partial(Mutant, interface="messaging", module="messaging._queues")
_subscriptions = partial(Mutant, interface="messaging", module="messaging._subscriptions")

_PARKED = "self._tell(verdict, exc)\n            self._park(call, trouble)"

MUTANTS: tuple[Mutant, ...] = (
    _queues(
        name="handles_the_newest_of_a_key_first",
        old="self._ready.append(followers.popleft())",
        new="self._ready.append(followers.pop())",
        caught_by=(
            "M1_publishes_of_one_task_to_one_key_keep_their_order",
            "M1_publish_many_keeps_the_order_of_a_key",
        ),
    ),
    _lanes(
        name="lets_the_next_of_a_key_overtake_a_retry",
        old=_PARKED,
        new=f"{_PARKED}\n            self.queue.release(call)",
        caught_by=("M11_key_keeps_its_order_over_retries",),
    ),
    _lanes(
        name="sleeps_in_its_lane_before_a_retry",
        old=_PARKED,
        new=(
            "self._tell(verdict, exc)\n"
            "            await asyncio.sleep(pause(trouble, options, self._jitter()))\n"
            "            self._resume(call)"
        ),
        caught_by=("M11_key_in_back_off_delays_no_other",),
    ),
    _subscriptions(
        name="takes_no_key_for_a_key",
        old="record.partition if lane.serial else record.key)",
        new='record.partition if lane.serial else record.key or "")',
        caught_by=("M11_message_without_key_waits_for_none",),
    ),
    _subscriptions(
        name="does_not_look_at_keys",
        old="record.partition if lane.serial else record.key)",
        new="record.partition if lane.serial else None)",
        caught_by=("M11_slow_key_keeps_only_itself_waiting",),
    ),
    _lanes(
        name="handles_a_partition_side_by_side_though_told_not_to",
        old='options.order == "partition"',
        new="False",
        caught_by=("M11_order_partition_serialises_a_partition",),
    ),
    _lanes(
        name="runs_one_call_too_many",
        old="if len(self._runners) >= self.options.lanes:",
        new="if len(self._runners) > self.options.lanes:",
        caught_by=("M11_lanes_bound_what_runs_at_a_time",),
    ),
    _lanes(
        name="uses_one_lane_only",
        old="if len(self._runners) >= self.options.lanes:",
        new="if self._runners:",
        caught_by=("M11_lanes_bound_what_runs_at_a_time",),
    ),
)
