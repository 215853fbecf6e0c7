"""Messaging over Kafka that is no good member of its group: it reads, commits or leaves wrongly."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant
from ._on_server import REBALANCE, on_server

__all__ = ["MUTANTS"]

_configuration = partial(on_server, module="messaging.kafka._configuration")
_consumer = partial(on_server, module="messaging.kafka._consumer")
_member = partial(on_server, module="messaging.kafka._member")
_messaging = partial(on_server, module="messaging.kafka.messaging")
_reader = partial(on_server, module="messaging.kafka._reader")

MUTANTS: tuple[Mutant, ...] = (
    _member(
        name="commits_past_what_is_finished",
        old="answer = thread.commit(offsets)\n",
        new="answer = thread.commit({each: at + 1 for each, at in offsets.items()})\n",
        caught_by=(
            "M12_unfinished_message_comes_again",
            "M14_disconnect_lets_running_handlers_finish",
        ),
    ),
    _consumer(
        name="says_committed_and_commits_nothing",
        old=(
            "                self._consumer.commit(offsets=offsets, asynchronous=True)\n"
            "                self._commits.append((_offsets(offsets), answer))\n"
        ),
        new="                post(self._loop, give, answer, None)\n",
        caught_by=("M6_finished_messages_do_not_come_again",),
    ),
    _consumer(
        name="takes_no_commit_while_partitions_are_given_up",
        old=(
            "            while not done.wait(_PAUSE) and not self._loop.is_closed():\n"
            "                self._call_all()\n"
        ),
        new=(
            "            while not done.wait(_PAUSE) and not self._loop.is_closed():\n"
            "                pass\n"
        ),
        patience=REBALANCE,
        caught_by=("M13_running_handler_may_finish_before_its_partition_moves",),
    ),
    _member(
        name="gives_partitions_up_without_waiting",
        old="        task.add_done_callback(lambda _: done.set())",
        new="        done.set()",
        patience=REBALANCE,
        caught_by=("M13_running_handler_may_finish_before_its_partition_moves",),
    ),
    _configuration(
        name="keeps_the_place_of_whoever_leaves",
        old=(
            "    if settings.group_instance_id is not None:\n"
            '        configuration["group.instance.id"] = settings.group_instance_id\n'
        ),
        new='    configuration["group.instance.id"] = f"{id(settings)}"\n',
        patience=REBALANCE,
        caught_by=("M13_leaving_member_hands_over",),
    ),
    _consumer(
        name="hands_on_the_first_of_what_it_fetched_only",
        old="[first, *consumer.consume(self._most - 1, 0)]",
        new="[first, *consumer.consume(self._most - 1, 0)][:1]",
        caught_by=("M1_publish_many_keeps_the_order_of_a_key",),
    ),
    _reader(
        name="drops_what_is_held_back",
        old="            state.hold(records)\n\n",
        new="",
        caught_by=("M12_window_bounds_what_is_started",),
    ),
    _reader(
        name="skips_the_first_that_found_no_room",
        old="            records = records[count:]",
        new="            records = records[count + 1 :]",
        caught_by=("M12_window_bounds_what_is_started",),
    ),
    _reader(
        name="delivers_whether_there_is_room_or_not",
        old="if len(records) <= messages and sum(",
        new="if True or sum(",
        caught_by=("M12_window_bounds_what_is_started",),
    ),
    _reader(
        name="never_fetches_again_what_was_paused",
        old="            state.is_paused = False\n            self._thread.resume(partition)",
        new="            state.is_paused = False",
        caught_by=("M12_full_window_goes_on_behind_its_slowest_message",),
    ),
    _messaging(
        name="reads_the_newest_topic_alone",
        old="        self._joined.update(new)\n        await member.read(self._joined)",
        new="        self._joined.update(new)\n        await member.read(new)",
        caught_by=("M1_topics_are_apart", "M7_unsubscribe_ends_all_handlers_of_the_topic"),
    ),
    _configuration(
        name="begins_a_new_group_at_the_end",
        old='"auto.offset.reset": "earliest"',
        new='"auto.offset.reset": "latest"',
        caught_by=("M4_new_group_starts_at_the_earliest_message",),
    ),
    _configuration(
        name="puts_all_groups_into_one",
        old='"group.id": settings.group,',
        new='"group.id": (settings.group or "")[:-1],',
        caught_by=("M4_each_group_gets_every_message",),
    ),
    _configuration(
        name="has_a_group_for_each_instance",
        old='"group.id": settings.group,',
        new='"group.id": f"{settings.group}-{id(settings)}",',
        caught_by=("M14_disconnect_lets_running_handlers_finish",),
    ),
)
"""Each with the checks that notice it."""
