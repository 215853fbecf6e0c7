"""Messaging that takes arguments which it should refuse, or refuses good ones."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_names = partial(Mutant, interface="messaging", module="_core.names")
_options = partial(Mutant, interface="messaging", module="messaging._options")
_payloads = partial(Mutant, interface="messaging", module="messaging._payloads")
_registrations = partial(Mutant, interface="messaging", module="messaging._registrations")

MUTANTS: tuple[Mutant, ...] = (
    _names(
        name="measures_the_keys_of_messages_in_characters",
        old='size = len(key) if key.isascii() else len(_encode("the key", key))',
        new="size = len(key)",
        caught_by=("G11_bad_keys_are_refused",),
    ),
    _payloads(
        name="takes_bytes_for_a_header",
        old="not isinstance(text, str) or not name",
        new="not isinstance(text, (str, bytes)) or not name",
        caught_by=("G11_bad_headers_are_refused",),
    ),
    _payloads(
        name="counts_the_payload_alone",
        old="self._payload(message.payload, self._limit - beside)",
        new="self._payload(message.payload, self._limit)",
        caught_by=("G11_large_message_is_refused",),
    ),
    _payloads(
        name="has_a_fixed_limit",
        old="self._limit = options.max_message_bytes",
        new="self._limit = 900 * 1024",
        caught_by=("G11_size_limit_can_be_set",),
    ),
    _names(
        name="looks_at_the_beginning_of_a_topic_only",
        old="_TOPIC.fullmatch(topic)",
        new="_TOPIC.match(topic)",
        caught_by=("M3_bad_topic_names_are_refused",),
    ),
    Mutant(
        name="ends_topics_that_cannot_be",
        interface="messaging",
        module="messaging._messaging",
        old="self._registered.pop(check_topic(topic), ())",
        new="self._registered.pop(topic, ())",
        caught_by=("M3_bad_topic_names_are_refused",),
    ),
    _names(
        name="leaves_one_character_too_many_for_the_suffix",
        old="len(topic) > 249 - _DEAD_LETTER_SUFFIX",
        new="len(topic) >= 249 - _DEAD_LETTER_SUFFIX",
        caught_by=("M3_longest_topic_names_work",),
    ),
    _registrations(
        name="leaves_room_for_a_suffix_that_is_not_used",
        old='if options.dead_letters_of(topic) == f"{topic}.dlq":',
        new="if options.dead_letters:",
        caught_by=("M3_longest_topic_names_work",),
    ),
    _registrations(
        name="subscribes_what_cannot_be_called",
        old="if not callable(handler) or _cannot_handle(handler):",
        new="if handler is None:",
        caught_by=("E3_handler_that_cannot_be_called_is_refused",),
    ),
    _options(
        name="ignores_options_that_it_does_not_know",
        old="refuse_unknown(keywords, inspect.signature(cls).parameters, cls.__name__)",
        new="keywords = {name: keywords[name] for name in known.intersection(keywords)}",
        caught_by=("E3_unknown_options_are_refused_by_name",),
    ),
    _options(
        name="takes_true_for_a_number",
        old="type(number) is not int or number < 1",
        new="not isinstance(number, int) or number < 1",
        caught_by=("E3_unknown_options_are_refused_by_name",),
    ),
)
