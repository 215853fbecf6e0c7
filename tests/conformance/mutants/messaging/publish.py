"""Messaging that loses, mixes up or refuses what is published."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_messaging = partial(Mutant, interface="messaging", module="messaging.memory._messaging")
_topic = partial(Mutant, interface="messaging", module="messaging.memory._topic")
_delivery = partial(Mutant, interface="messaging", module="messaging._delivery")
_subscriptions = partial(Mutant, interface="messaging", module="messaging._subscriptions")
_lifecycle = partial(Mutant, interface="messaging", module="_core.lifecycle")

MUTANTS: tuple[Mutant, ...] = (
    _subscriptions(
        name="hands_on_the_first_of_a_burst_only",
        old="lane.queue.offer(deliveries)",
        new="lane.queue.offer(deliveries[:1])",
        caught_by=(
            "M1_concurrent_publishes_all_arrive",
            "M1_publish_many_keeps_the_order_of_a_key",
        ),
    ),
    _topic(
        name="spreads_a_key_over_partitions",
        old="self.logs[hash(key) % PARTITIONS]",
        new="self.logs[sum(log.end for log in self.logs) % PARTITIONS]",
        caught_by=(
            "M1_publishes_of_one_task_to_one_key_keep_their_order",
            "M1_publish_many_keeps_the_order_of_a_key",
        ),
    ),
    _delivery(
        name="hands_every_topic_to_the_first_handler",
        old="subscription = self._subscriptions.get(partition.topic)",
        new="subscription = next(iter(self._subscriptions.values()), None)",
        caught_by=("M1_topics_are_apart",),
    ),
    _messaging(
        name="counts_the_messages_of_publish_many_from_one",
        old="at_position(exc, position)",
        new="at_position(exc, position + 1)",
        caught_by=("M1_publish_many_tells_where_it_stopped",),
    ),
    _messaging(
        name="publishes_the_letters_of_a_text",
        old='enumerate(several(messages, "messages"))',
        new="enumerate(messages)",
        caught_by=("M1_a_text_is_not_several_messages",),
    ),
    _messaging(
        name="leaves_out_a_bad_message_and_goes_on",
        old="                at_position(exc, position)\n                raise\n\n            log",
        new="                at_position(exc, position)\n                continue\n\n            log",
        caught_by=("M1_publish_many_tells_where_it_stopped",),
    ),
    _topic(
        name="refuses_what_nobody_listens_to",
        old="            log.skip()\n            return",
        new="            raise LookupError(self.name)",
        caught_by=("M1_publish_without_any_subscriber_is_accepted",),
    ),
    _messaging(
        name="publishes_although_disconnected",
        old="if (self._thread != get_ident() or not self._is_running()) and not self._finishing():",
        new="if not self._was_connected:",
        caught_by=(
            "M1_publish_after_disconnect_was_not_applied",
            "G3_async_with_connects_and_disconnects",
            "G3_disconnect_under_load_ends",
            "G4_methods_name_themselves_when_not_connected",
        ),
    ),
    _lifecycle(
        name="says_unknown_of_what_was_never_sent",
        old='raise ConnectionError(msg, outcome="not_applied", operation=operation)',
        new='raise ConnectionError(msg, outcome="unknown", operation=operation)',
        caught_by=("M1_publish_after_disconnect_was_not_applied",),
    ),
)
