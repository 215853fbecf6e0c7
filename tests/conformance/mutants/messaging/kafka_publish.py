"""Messaging over Kafka that loses, mixes up or sends too late what is published."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant
from ._on_server import on_server

__all__ = ["MUTANTS"]

_messaging = partial(on_server, module="messaging.kafka.messaging")
_publication = partial(on_server, module="messaging.kafka._publication")
_publisher = partial(on_server, module="messaging.kafka._publisher")
_records = partial(on_server, module="messaging.kafka._records")

MUTANTS: tuple[Mutant, ...] = (
    _publication(
        name="gives_the_brokers_no_key",
        old="produce(topic, each.payload, each.key,",
        new="produce(topic, each.payload, None,",
        caught_by=(
            "M2_handler_is_told_key_and_headers",
            "M10_dead_letter_keeps_payload_key_and_headers",
        ),
    ),
    _publication(
        name="gives_the_brokers_the_first_header_alone",
        old="partition, told, None, 0, each.headers)",
        new="partition, told, None, 0, each.headers[:1])",
        caught_by=(
            "M2_handler_is_told_key_and_headers",
            "M10_dead_letter_keeps_payload_key_and_headers",
        ),
    ),
    _publisher(
        name="sends_the_newest_first",
        old="        waiting.append(publication)",
        new="        waiting.appendleft(publication)",
        caught_by=("M1_publish_many_keeps_the_order_of_a_key",),
    ),
    _messaging(
        name="sends_what_is_overdue",
        old="        if open_instant() is not None:\n            refuse_when_expired(operation)\n",
        new="",
        caught_by=("G5_expired_deadline_publishes_nothing",),
    ),
    _messaging(
        name="publishes_from_any_thread",
        old="(self._thread != get_ident() or not self._is_running())",
        new="not self._is_running()",
        caught_by=("G8_use_from_another_loop_is_refused",),
    ),
    _messaging(
        name="publishes_nothing_for_a_handler_during_the_drain",
        old="not self._is_running()) and not self._finishing():",
        new="not self._is_running()):",
        caught_by=("M14_running_handler_may_publish_during_the_drain",),
    ),
    _messaging(
        name="leaves_out_what_is_bad_and_sends_the_rest",
        old="                at_position(exc, position)\n                raise\n",
        new="                at_position(exc, position)\n                continue\n",
        caught_by=("M1_publish_many_tells_where_it_stopped",),
    ),
    _records(
        name="sends_no_content_type",
        old="[(_ENCODING, encoding.encode())] if encoding else []",
        new="[]",
        caught_by=("M2_every_type_arrives_exactly",),
    ),
    _records(
        name="numbers_messages_by_their_partition",
        old="            message.offset(),\n",
        new="            partition.number,\n",
        caught_by=("M2_two_messages_have_two_ids",),
    ),
    on_server(
        module="messaging.kafka._member",
        name="buries_at_the_brokers_without_the_key",
        old="await self._publisher.send(topic, key, record.payload, headers, expires)",
        new="await self._publisher.send(topic, None, record.payload, headers, expires)",
        caught_by=("M10_dead_letter_keeps_payload_key_and_headers",),
    ),
)
"""Each with the checks that notice it."""
