"""Messaging whose groups or members get too much or too little."""

from __future__ import annotations

from functools import partial

from ....examples._folder import example
from .._mutant import Mutant

__all__ = ["MUTANTS"]

_broker = partial(Mutant, interface="messaging", module="messaging.memory._broker")
_group = partial(Mutant, interface="messaging", module="messaging.memory._group")
_member = partial(Mutant, interface="messaging", module="messaging.memory._member")
_messaging = partial(Mutant, interface="messaging", module="messaging.memory._messaging")
_LISTS = example("list_messaging")
_topic = partial(Mutant, interface="messaging", module="messaging.memory._topic")

MUTANTS: tuple[Mutant, ...] = (
    # Of ours none is durable yet: the example over the delivery engine is.
    Mutant(
        name="starts_a_new_group_at_the_end",
        interface="messaging",
        package="",
        module=_LISTS.__name__,
        old="self.read[topic] = self.broker.done[self.group, topic]",
        new="self.read[topic] = len(self.broker.topics[topic])",
        caught_by=("M4_new_group_starts_at_the_earliest_message",),
        harness=_LISTS.ListHarness,
    ),
    _broker(
        name="has_one_group_for_all",
        old="return self._groups.setdefault(name, Group(name))",
        new='return self._groups.setdefault("", Group(name))',
        caught_by=("M4_each_group_gets_every_message",),
    ),
    _messaging(
        name="makes_each_instance_a_group",
        old="self._group = self._broker.group(settings.group)",
        new='self._group = self._broker.group(f"{settings.group}-{id(self)}")',
        caught_by=("M4_instances_of_one_group_compete",),
    ),
    _topic(
        name="begins_behind_what_is_retained",
        old="log.cursors[group] = self._first_kept(log)",
        new="log.cursors[group] = log.end",
        caught_by=("M4_new_group_starts_with_what_is_retained",),
    ),
    _topic(
        name="begins_with_all_that_is_there",
        old="log.cursors[group] = self._first_kept(log)",
        new="log.cursors[group] = log.base",
        caught_by=("M4_new_group_starts_with_what_is_retained",),
    ),
    _broker(
        name="retains_what_it_should_not",
        old="retain=self.retain)",
        new="retain=max(1, self.retain))",
        caught_by=("M4_new_group_starts_at_its_subscription",),
    ),
    _group(
        name="forgets_the_group_with_its_last_member",
        old="        if not members:\n            return",
        new="        if not members:\n            topic.remove_group(self.name)\n            return",
        caught_by=("M4_group_misses_nothing_while_it_is_away",),
    ),
    _group(
        name="hands_nothing_over_when_a_member_leaves",
        old="                self._moving.pop(log.partition, None)\n\n        self._balance(topic)",
        new="                self._moving.pop(log.partition, None)",
        caught_by=(
            "M13_leaving_member_hands_over",
            "M13_nothing_is_lost_while_members_come_and_go",
        ),
    ),
    _member(
        name="cancels_what_runs_when_a_partition_moves",
        old="await self.engine.revoked([log.partition])",
        new="self.engine.lost([log.partition])",
        caught_by=("M13_running_handler_may_finish_before_its_partition_moves",),
    ),
    _member(
        name="hands_a_partition_over_while_it_is_handled",
        old="await self.engine.revoked([log.partition])",
        new="self.engine._shut(self.engine._windows.of([log.partition]))",
        caught_by=("M13_running_handler_may_finish_before_its_partition_moves",),
    ),
    _topic(
        name="keeps_what_the_fastest_group_needs",
        old="acked = min(log.cursors.values(), default=log.end)",
        new="acked = max(log.cursors.values(), default=log.end)",
        caught_by=("M4_group_misses_nothing_while_it_is_away",),
    ),
    _group(
        name="keeps_messages_for_a_group_that_unsubscribed",
        old="            topic.remove_group(self.name)",
        new="            pass",
        caught_by=("M12_unsubscribed_topic_needs_no_room",),
    ),
    _member(
        name="takes_commits_from_others_only",
        old="if self.group.owner(partition) is self:",
        new="if self.group.owner(partition) is not self:",
        caught_by=(
            "M6_finished_messages_do_not_come_again",
            "M7_message_of_a_handler_that_disconnected_is_acknowledged",
            "M14_disconnect_lets_running_handlers_finish",
        ),
    ),
)
