"""Messaging over Kafka that waits, gives up or comes back wrongly when its broker is away."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant
from ._on_server import on_own_server

__all__ = ["MUTANTS"]

_configuration = partial(on_own_server, module="messaging.kafka._configuration")
_consumer = partial(on_own_server, module="messaging.kafka._consumer")
_member = partial(on_own_server, module="messaging.kafka._member")
_messaging = partial(on_own_server, module="messaging.kafka.messaging")
_failures = partial(on_own_server, module="messaging.kafka._failures")
_publication = partial(on_own_server, module="messaging.kafka._publication")
_publisher = partial(on_own_server, module="messaging.kafka._publisher")
_shared = partial(on_own_server, module="messaging._messaging")

_SEND = (
    "        await publisher.send(topic, key, payload, headers_of(encoding, headers), expires)\n"
)

MUTANTS: tuple[Mutant, ...] = (
    _publisher(
        name="looks_for_nothing_that_is_overdue",
        old="        if expires < self._overdue.at:\n",
        new="        if False:\n",
        caught_by=(
            "G5_a_block_rules_over_a_silent_server",
            "G5_every_publish_to_a_frozen_server_ends",
            "G5_every_publish_to_a_silent_server_ends",
        ),
    ),
    on_own_server(
        module="_core.lifecycle",
        name="connects_to_brokers_for_ever",
        old='async with Limit("connect", self._deadline) as limit:',
        new='async with Limit("connect", None) as limit:',
        caught_by=(
            "G5_a_connect_to_a_frozen_server_ends",
            "G5_a_connect_to_a_silent_server_ends",
        ),
    ),
    _publication(
        name="does_not_say_what_was_overdue",
        old='return f"publish to {self.topic}"',
        new='return "a call"',
        caught_by=("E3_a_publish_that_timed_out_names_itself",),
    ),
    _messaging(
        name="gives_a_slow_broker_up_before_the_deadline",
        old=_SEND,
        new=_SEND.replace("expires", "min(expires, asyncio.get_running_loop().time() + 0.15)"),
        caught_by=("M1_a_late_answer_is_waited_for",),
    ),
    _configuration(
        name="connects_again_after_a_minute",
        old='        "reconnect.backoff.ms": 20,\n        "reconnect.backoff.max.ms": 200,\n',
        new='        "reconnect.backoff.ms": 60000,\n        "reconnect.backoff.max.ms": 60000,\n',
        caught_by=(
            "G6_a_publish_succeeds_after_a_restart",
            "G6_a_publish_succeeds_after_refusals",
            "G6_many_publishers_come_back_together",
            "M6_subscriptions_come_back_after_a_restart",
        ),
    ),
    on_own_server(
        module="messaging.kafka._overdue",
        name="sends_nothing_for_a_while_after_a_timeout",
        old="                each.answer.set_exception(too_late(each))\n",
        new=(
            "                each.answer.set_exception(too_late(each))\n"
            "                sender = self._swept.__self__\n"
            "                sender._may_send = lambda: False\n"
            "                sender._longest = math.inf\n"
            "                self._loop.call_later(1.5, vars(sender).pop, '_may_send', None)\n"
        ),
        caught_by=(
            "G6_a_publish_succeeds_after_a_freeze",
            "G6_a_publish_succeeds_after_silence",
        ),
    ),
    _consumer(
        name="ends_when_nothing_comes_for_a_while",
        old="        if len(messages) < self._most:\n",
        new=(
            "        if first is None:\n"
            '            vars(self)["idle"] = vars(self).get("idle", 0) + 1\n'
            '            self._ending = vars(self)["idle"] > 20\n\n'
            "        if len(messages) < self._most:\n"
        ),
        caught_by=(
            "M6_subscriptions_come_back_after_refusals",
            "M6_subscriptions_come_back_after_silence",
        ),
    ),
    _messaging(
        name="leaves_its_producer_at_a_disconnect",
        old="        if publisher is not None:\n            publisher.close()\n",
        new="",
        caught_by=(
            "G3_a_refused_connect_leaves_nothing",
            "G3_disconnect_ends_what_a_frozen_server_holds",
            "G3_disconnect_ends_what_a_silent_server_holds",
            "G3_disconnect_leaves_no_connection",
        ),
    ),
    on_own_server(
        module="_core.lifecycle",
        name="disconnects_when_the_brokers_have_answered",
        old="            opening.cancel()\n\n",
        new="",
        caught_by=("G3_disconnect_ends_a_connect_to_a_silent_server",),
    ),
    _shared(
        name="takes_its_time_when_the_body_was_cancelled",
        old="self._drain, self._close_within = 0.0, _FORCED",
        new="self._drain, self._close_within = 3.0, 3.0",
        caught_by=("G7_a_cancelled_body_is_left_in_silence",),
    ),
    _failures(
        name="calls_what_was_sent_and_is_late_not_applied",
        old='outcome="unknown" if sent else "not_applied",',
        new='outcome="not_applied",',
        caught_by=("M1_what_was_not_applied_in_silence_never_appears",),
    ),
    _messaging(
        name="sends_once_more_what_is_overdue",
        old=_SEND,
        new=(
            "        try:\n"
            f"    {_SEND}"
            "        except InfrastructureError:\n"
            "            carried = headers_of(encoding, headers)\n"
            "            publisher.send(topic, key, payload, carried, expires + 9)\n"
            "            raise\n"
        ),
        caught_by=(
            "M1_what_was_not_applied_in_silence_never_appears",
            "M1_what_was_not_applied_without_a_server_never_appears",
        ),
    ),
    _configuration(
        name="stores_twice_what_is_repeated",
        old='"enable.idempotence": True,',
        new='"enable.idempotence": False,',
        caught_by=(
            "G9_a_publish_whose_answer_was_lost_is_stored_once",
            "M4_lost_connections_lose_nothing_acknowledged",
        ),
    ),
    _failures(
        name="takes_silent_brokers_for_the_fault_of_the_message",
        old="        # The brokers are silent: to the handler of another message that is an outage.\n        retryable=True,\n",
        new="",
        caught_by=(
            "M9_a_handler_that_publishes_waits_a_silence_out",
            "M9_a_handler_that_publishes_waits_refusals_out",
        ),
    ),
    _member(
        name="forgets_a_dead_letter_that_is_not_taken_in_time",
        old=(
            "        expires = time.monotonic() + _ANSWER\n\n"
            "        await self._publisher.send(topic, key, record.payload, headers, expires)\n"
        ),
        new=(
            "        expires = time.monotonic() + 0.2\n"
            "        sent = self._publisher.send(topic, key, record.payload, headers, expires)\n"
            "        await asyncio.wait({sent})\n"
        ),
        caught_by=("M10_a_dead_letter_waits_for_the_server",),
    ),
    _consumer(
        name="forgets_what_is_finished_meanwhile",
        old=(
            "                self._consumer.commit(offsets=offsets, asynchronous=True)\n"
            "                self._commits.append((_offsets(offsets), answer))\n"
        ),
        new="                post(self._loop, give, answer, None)\n",
        caught_by=("M12_what_was_finished_in_an_outage_is_committed",),
    ),
    on_own_server(
        module="messaging._commits",
        name="commits_when_it_leaves_alone",
        old="        self._dirty[window] = None\n        self._arm([window])\n",
        new="        self._dirty[window] = None\n",
        caught_by=("M12_what_was_finished_in_an_outage_is_committed",),
    ),
    _configuration(
        name="commits_what_was_fetched",
        old=('        "enable.auto.commit": False,\n        "enable.auto.offset.store": False,\n'),
        new='        "enable.auto.commit": True,\n        "auto.commit.interval.ms": 100,\n',
        caught_by=("M12_what_was_finished_in_an_outage_is_committed",),
    ),
    _messaging(
        name="acknowledges_to_whoever_gave_up",
        old=_SEND,
        new=(
            f"        try:\n    {_SEND}        except asyncio.CancelledError:\n            return\n"
        ),
        caught_by=("G7_cancelled_publishes_at_random_lose_nothing_acknowledged",),
    ),
    _messaging(
        name="acknowledges_before_the_brokers_do",
        old=_SEND,
        new=_SEND.replace("await ", ""),
        caught_by=("M4_kills_lose_nothing_acknowledged",),
    ),
)
"""Each with the checks that notice it."""
