"""Messaging that bends payloads, or tells wrongly what belongs to them."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_payloads = partial(Mutant, interface="messaging", module="messaging._payloads")
_record = partial(Mutant, interface="messaging", module="messaging._record")
_codec = partial(Mutant, interface="messaging", module="_core.codec")
_lanes = partial(Mutant, interface="messaging", module="messaging._lanes")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="forgets_the_fold_of_a_payload",
        interface="messaging",
        module="_core._ext",
        old="return not value.fold and (",
        new="return (",
        caught_by=(
            "M2_every_type_arrives_exactly",
            "M10_dead_letter_keeps_payload_key_and_headers",
        ),
    ),
    Mutant(
        name="publishes_a_bytearray_as_bytes",
        interface="messaging",
        module="_core._msgpack",
        old="and not _is_clean(value)",
        new="and not _is_clean(value) and False",
        caught_by=("M2_other_types_are_refused",),
    ),
    _payloads(
        name="keeps_the_list_of_the_publisher",
        old="return 8 if kind is float or kind is bool or value is None else None",
        new="return 8 if kind in (float, bool, list) or value is None else None",
        caught_by=(
            "M2_publisher_may_change_its_payload_afterwards",
            "M2_handlers_do_not_share_a_payload",
        ),
    ),
    _payloads(
        name="keeps_the_headers_of_the_publisher",
        old="return dict(headers) if headers else None",
        new="return headers if headers else None",
        caught_by=("M2_publisher_may_change_its_payload_afterwards",),
    ),
    _payloads(
        name="decodes_once_for_all",
        old="return decode(record.payload)",
        new=(
            "record.payload, record.encoding = decode(record.payload), None\n"
            "            return record.payload"
        ),
        caught_by=(
            "M2_handlers_do_not_share_a_payload",
            "M2_retry_gets_a_fresh_payload_of_the_same_message",
        ),
    ),
    _record(
        name="tells_no_headers",
        old="headers=dict(self.headers or {})",
        new="headers={}",
        caught_by=("M2_handler_is_told_key_and_headers",),
    ),
    _record(
        name="tells_a_time_without_zone",
        old="datetime.fromtimestamp(timestamp, UTC)",
        new="datetime.fromtimestamp(timestamp)",
        caught_by=("M2_handler_is_told_key_and_headers",),
    ),
    _payloads(
        name="gives_every_payload_an_empty_key",
        old="return None, payload, None, encoding, size",
        new='return "", payload, None, encoding, size',
        caught_by=("M2_payload_alone_has_no_key_and_no_headers",),
    ),
    _record(
        name="makes_the_id_of_the_key",
        old="{partition.number}-{self.offset}",
        new="{partition.number}-{self.key}",
        caught_by=("M2_two_messages_have_two_ids",),
    ),
    _record(
        name="gives_each_delivery_an_id",
        old="id=self.id,",
        new='id=f"{self.id}-{attempt}",',
        caught_by=("M2_retry_gets_a_fresh_payload_of_the_same_message",),
    ),
    _lanes(
        name="calls_handlers_in_a_task_that_knows_no_message",
        old="await handler(payload(call))",
        new='await self._tasks.start(handler(payload(call)), "call")',
        caught_by=(
            "M2_child_task_of_a_handler_knows_its_message",
            "M2_handler_is_told_key_and_headers",
        ),
    ),
    Mutant(
        name="knows_no_message_and_says_nothing",
        interface="messaging",
        module="interfaces.messaging",
        old='no handler is running here"\n        raise OperationError(msg)',
        new='no handler is running here"\n        return ()',
        caught_by=("M2_no_message_is_known_outside_a_handler",),
    ),
    _codec(
        name="lets_json_bend_what_it_has_not",
        old="refuse(value, what, JSON_TYPES)",
        new="pass",
        caught_by=("M2_json_codec_carries_json_and_nothing_else",),
    ),
    _payloads(
        name="packs_with_the_default_codec",
        old="self._codec = codec_of(options.codec)",
        new='self._codec = codec_of("msgpack")',
        caught_by=(
            "M2_json_codec_carries_json_and_nothing_else",
            "M2_raw_codec_carries_bytes_as_they_are",
        ),
    ),
)
