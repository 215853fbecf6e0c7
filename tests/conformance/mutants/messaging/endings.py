"""Messaging that ends subscriptions wrongly while something else happens."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_messaging = partial(Mutant, interface="messaging", module="messaging._messaging")
_lanes = partial(Mutant, interface="messaging", module="messaging._lanes")

MUTANTS: tuple[Mutant, ...] = (
    _messaging(
        name="ends_a_topic_by_two_tasks",
        old="        if ending is None:",
        new="        if True:",
        caught_by=("M7_topic_ended_twice_waits_for_running_handlers",),
    ),
    _messaging(
        name="takes_a_topic_that_ends_for_ended",
        old="        engine.end(topic)\n\n        if not engine.is_ending(topic):",
        new=(
            "        known = topic in engine._subscriptions\n"
            "        engine.end(topic)\n\n"
            "        if not known:"
        ),
        caught_by=("M7_second_unsubscribe_waits_for_running_handlers",),
    ),
    _messaging(
        name="adds_a_handler_that_was_unsubscribed_meanwhile",
        old=(
            "            await engine.prepare(topic, registration.options)\n"
            "        finally:\n"
            "            del under_way[registration]\n"
            "            prepared.set_result(None)\n\n"
            "        # It may have been unsubscribed meanwhile.\n"
            "        if self._engine is engine and registration in self._registered.get(topic, ()):"
        ),
        new=(
            "            await asyncio.sleep(0)\n"
            "        finally:\n"
            "            del under_way[registration]\n"
            "            prepared.set_result(None)\n\n"
            "        if True:"
        ),
        caught_by=("M7_unsubscribe_ends_what_is_being_subscribed",),
    ),
    _messaging(
        name="begins_to_disconnect_when_the_handler_has_returned",
        old="                await asyncio.sleep(0)\n                await engine.until(",
        new="                await engine.until(",
        caught_by=("M7_disconnect_from_inside_has_begun_when_it_returns",),
    ),
    Mutant(
        name="reads_for_a_subscription_that_has_ended",
        interface="messaging",
        module="messaging._delivery",
        old="if self._draining or not self.handles(partition.topic):",
        new="if self._draining:",
        caught_by=("M4_nothing_is_lost_to_a_member_that_unsubscribes",),
    ),
    Mutant(
        name="takes_over_partitions_while_it_drains",
        interface="messaging",
        module="messaging._delivery",
        old="if self._draining or not self.handles(partition.topic):",
        new="if not self.handles(partition.topic):",
        caught_by=("M14_draining_member_takes_over_nothing",),
    ),
    _messaging(
        name="waits_as_long_as_another_disconnect",
        old="        if engine is None or closing is None:\n            return",
        new="        if True:\n            return",
        caught_by=("G5_second_disconnect_ends_by_its_own_deadline",),
    ),
    Mutant(
        name="refuses_a_list_during_the_drain",
        interface="messaging",
        module="messaging.memory._messaging",
        old="        if self._finishing():",
        new="        if False:",
        caught_by=("M14_running_handler_may_publish_during_the_drain",),
    ),
    _lanes(
        name="takes_a_translated_cancellation_for_an_attempt",
        old="        if runner.stopped:\n            # What",
        new="        if False:\n            # What",
        caught_by=("M9_translated_cancellation_is_no_dead_letter",),
    ),
    _lanes(
        name="lets_the_next_messages_wait_for_one_that_was_cancelled",
        old="if runner.stopped or not (runner.task and runner.task.cancelling()):",
        new="if call is None or runner.stopped:",
        caught_by=("M11_handler_that_raises_a_cancellation_delays_no_other_key",),
    ),
)
