"""Messaging whose dead letters are lost, wrong or indiscreet."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_attempts = partial(Mutant, interface="messaging", module="messaging._attempts")
_dead_letters = partial(Mutant, interface="messaging", module="messaging._dead_letters")
_lanes = partial(Mutant, interface="messaging", module="messaging._lanes")
_member = partial(Mutant, interface="messaging", module="messaging.memory._member")
_options = partial(Mutant, interface="messaging", module="messaging._options")

MUTANTS: tuple[Mutant, ...] = (
    _attempts(
        name="makes_one_attempt_too_many",
        old="own >= options.attempts",
        new="own > options.attempts",
        caught_by=("M10_message_out_of_attempts_becomes_a_dead_letter",),
    ),
    _lanes(
        name="keeps_the_key_of_what_it_buried",
        old="            call.finish()\n\n        self.queue.release(call)",
        new="            call.finish()",
        caught_by=("M10_message_out_of_attempts_becomes_a_dead_letter",),
    ),
    _member(
        name="buries_without_the_key",
        old="log.append(record.key, record.payload",
        new="log.append(None, record.payload",
        caught_by=("M10_dead_letter_keeps_payload_key_and_headers",),
    ),
    Mutant(
        name="buries_without_the_headers",
        interface="messaging",
        module="messaging._record",
        old="{**(self.headers or {}), **more}",
        new="dict(more)",
        caught_by=("M10_dead_letter_keeps_payload_key_and_headers",),
    ),
    _lanes(
        name="does_not_note_when_it_failed_first",
        old="trouble.first_failed = trouble.first_failed or options.clock.now()",
        new="pass",
        caught_by=("M10_dead_letter_tells_its_origin",),
    ),
    _dead_letters(
        name="tells_where_a_dead_letter_is_instead_of_was",
        old='"origin-topic": record.partition.topic,',
        new='"origin-topic": f"{record.partition.topic}.dlq",',
        caught_by=("M10_dead_letter_tells_its_origin",),
    ),
    _dead_letters(
        name="cuts_texts_by_characters",
        old='return text.encode(errors="backslashreplace")[:size].decode(errors="ignore")',
        new="return text[:size]",
        caught_by=("M10_long_error_texts_are_cut",),
    ),
    _dead_letters(
        name="writes_passwords_into_dead_letters",
        old="_cut(scrub(_text(trouble.doom)), _LONGEST_TEXT)",
        new="_cut(_text(trouble.doom), _LONGEST_TEXT)",
        caught_by=("M10_error_text_shows_no_password",),
    ),
    _dead_letters(
        name="tells_the_cause_in_place_of_the_error",
        old="_cut(scrub(_text(trouble.doom)), _LONGEST_TEXT)",
        new="_cut(scrub(_text(trouble.doom.__cause__ or trouble.doom)), _LONGEST_TEXT)",
        caught_by=("M10_error_text_is_that_of_the_error",),
    ),
    _dead_letters(
        name="trusts_every_error_to_have_a_text",
        old="    except Exception as exc:",
        new="    except ZeroDivisionError as exc:",
        caught_by=("M10_error_without_a_text_is_buried_too",),
    ),
    _dead_letters(
        name="writes_passwords_into_the_log",
        old='return scrub("".join(traceback.format_exception(error))) if',
        new='return "".join(traceback.format_exception(error)) if',
        caught_by=("M10_error_text_shows_no_password",),
    ),
    _options(
        name="buries_where_it_always_does",
        old='return self.dead_letter_topic or f"{topic}.dlq"',
        new='return f"{topic}.dlq"',
        caught_by=("M10_dead_letter_topic_can_be_named",),
    ),
    _options(
        name="buries_dead_letters_again",
        old='if not self.dead_letters or topic.endswith(".dlq"):',
        new="if not self.dead_letters:",
        caught_by=("M10_dead_letters_have_no_dead_letters",),
    ),
    _options(
        name="buries_though_told_not_to",
        old='if not self.dead_letters or topic.endswith(".dlq"):',
        new='if topic.endswith(".dlq"):',
        caught_by=("M10_opting_out_loses_nothing",),
    ),
    _lanes(
        name="acknowledges_what_it_could_not_bury",
        old="        if stored:\n            call.finish()",
        new="        call.finish()",
        caught_by=("M10_opting_out_loses_nothing", "M10_dead_letters_have_no_dead_letters"),
    ),
    _lanes(
        name="acknowledges_what_was_not_stored",
        old=(
            "            trouble.outages += 1\n"
            "            self._park(call, trouble)\n"
            "            return\n"
        ),
        new="            stored = True\n",
        caught_by=("M10_dead_letter_without_room_waits_for_it",),
    ),
    _dead_letters(
        name="goes_on_behind_what_it_could_not_bury",
        old="    delivery.window.shut()",
        new="    pass",
        caught_by=("M10_opting_out_loses_nothing", "M10_dead_letters_have_no_dead_letters"),
    ),
    _dead_letters(
        name="replays_for_every_handler",
        old="        and headers.get(REPLAY_HANDLER, handler) == handler",
        new="",
        caught_by=("M10_replayed_message_is_for_its_handler_alone",),
    ),
    _dead_letters(
        name="replays_for_every_group",
        old="headers.get(REPLAY_GROUP, group) == group",
        new="True",
        caught_by=("M10_replayed_message_is_for_its_handler_alone",),
    ),
    _dead_letters(
        name="addresses_the_letter_of_a_replayed_message",
        old="if name not in _MARKS}",
        new="if name}",
        caught_by=("M10_replayed_message_can_die_again",),
    ),
    _member(
        name="loses_dead_letters_that_nobody_reads_yet",
        old="self._broker.keep_dead_letters(name)",
        new="self._broker.topic(name)",
        caught_by=("M10_dead_letter_waits_for_its_reader",),
    ),
)
