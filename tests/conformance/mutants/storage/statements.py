"""Storages that read a statement wrongly, or send what they should refuse."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_statement = partial(Mutant, interface="storage", module="storage._statement")
_parameters = partial(Mutant, interface="storage", module="storage._parameters")
_rules = partial(Mutant, interface="storage", module="storage._refusals")
_kinds = partial(Mutant, interface="storage", module="storage._classify")
_engine = partial(Mutant, interface="storage", module="storage.sqlite._engine")

MUTANTS: tuple[Mutant, ...] = (
    _statement(
        name="numbers_placeholders_by_their_appearance",
        old='"?" + token.text[1:]',
        new='"?"',
        caught_by=("S2_placeholders_bind_by_number", "S2_a_placeholder_may_repeat"),
    ),
    _statement(
        name="replaces_every_dollar",
        old='rewritten = _replace(text, [(token, "?" + token.text[1:]) for token in kept])',
        new='rewritten = text.replace("$", "?")',
        caught_by=("S2_a_literal_hides_a_placeholder",),
    ),
    _statement(
        name="knows_no_other_placeholders",
        old="if token.kind is TokenKind.PLACEHOLDER:",
        new="if False:",
        caught_by=("S2_other_styles_are_refused_with_a_hint",),
    ),
    Mutant(
        name="takes_a_comment_for_a_word",
        interface="storage",
        module="storage._tokens",
        old="if token.kind not in _SKIPPED]",
        new="if token.kind is not TokenKind.SPACE]",
        caught_by=(
            "S2_one_statement_a_call",
            "S3_a_semicolon_and_comments_are_fine",
            "S4_transaction_control_names_the_method",
        ),
    ),
    _parameters(
        name="counts_no_parameters_too_many",
        old="if len(params) != statement.parameters:",
        new="if len(params) < statement.parameters:",
        caught_by=("S2_a_wrong_count_is_refused", "S7_a_refused_argument_aborts_nothing"),
    ),
    _parameters(
        name="takes_no_none_for_parameters",
        old="if params is None:",
        new="if params is ...:",
        caught_by=("S2_none_is_no_parameters",),
    ),
    _parameters(
        name="takes_whatever_has_a_length_for_parameters",
        old="elif not isinstance(params, (list, tuple)):",
        new="elif False:",
        caught_by=("G11_a_bad_argument_is_refused",),
    ),
    _rules(
        name="sends_whatever_it_is_given",
        old="if statement.plain:",
        new="if True:",
        caught_by=(
            "S4_transaction_control_names_the_method",
            "S4_a_refused_statement_fails_no_transaction",
            "S4_listen_names_its_method",
            "S4_copy_names_the_methods",
            "S4_session_commands_show_the_block_outside",
            "S4_vacuum_runs_outside_a_transaction_only",
        ),
    ),
    _engine(
        name="hands_a_changed_session_on",
        old="session.touched |= touches",
        new="session.touched = False",
        caught_by=("S4_session_commands_run_inside_a_transaction",),
    ),
    Mutant(
        name="remembers_the_types_of_a_table_that_was_dropped",
        interface="storage",
        module="storage.sqlite._plans",
        old="plan.version is None or plan.version == self._version()",
        new="True",
        caught_by=("S5_a_statement_follows_its_table",),
    ),
)
"""Each with the checks that notice it."""
