"""Caches whose errors say the wrong thing, too little or too much."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_errors = partial(Mutant, interface="caching", module="interfaces.exceptions")
_codec = partial(Mutant, interface="caching", module="_core._msgpack")
_glob = partial(Mutant, interface="caching", module="_core.glob")
_life = partial(Mutant, interface="caching", module="_core.lifecycle")

MUTANTS: tuple[Mutant, ...] = (
    _errors(
        name="forgets_what_an_error_class_says_of_the_outcome",
        old="self.outcome = self._outcome if outcome is None else outcome",
        new="self.outcome = outcome",
        caught_by=("E1_a_refused_argument_was_not_applied",),
    ),
    _errors(
        name="calls_every_error_retryable",
        old="self.retryable = self._retryable if retryable is None else retryable",
        new="self.retryable = retryable is not False",
        caught_by=("E1_a_refused_argument_was_not_applied",),
    ),
    _errors(
        name="calls_no_error_retryable",
        old="self.retryable = self._retryable if retryable is None else retryable",
        new="self.retryable = bool(retryable)",
        caught_by=("E1_not_connected_is_retryable_and_a_builtin_error",),
    ),
    _life(
        name="raises_the_builtin_error_before_connect",
        old='        raise ConnectionError(msg, outcome="not_applied", operation=operation)\n\n    def _adopt',
        new="        raise builtins.ConnectionError(msg)\n\n    def _adopt",
        caught_by=(
            "E1_not_connected_is_retryable_and_a_builtin_error",
            "G4_every_method_names_itself_when_not_connected",
        ),
    ),
    _errors(
        name="loses_the_text_of_its_errors",
        old="super().__init__(*(() if message is None else (message,)))",
        new="super().__init__()",
        caught_by=("E3_errors_say_something", "G4_every_method_names_itself_when_not_connected"),
    ),
    _glob(
        name="says_no_more_than_invalid",
        old='msg = f"the pattern {pattern[:80]!r} is malformed at position {at}: {why}"',
        new='msg = "invalid pattern"',
        caught_by=("E3_errors_say_something",),
    ),
    _codec(
        name="shows_the_value_that_it_refuses",
        old="        refuse(value, what, TYPES)\n        msg",
        new='        refuse(value, f"{what} {value!r}", TYPES)\n        msg',
        caught_by=("G12_repr_and_errors_show_no_value",),
    ),
    _life(
        name="looks_the_same_connected_and_closed",
        old='state = "connected" if self._live else "connecting" if self._opening else "closed"',
        new='state = "backend"',
        caught_by=("G12_repr_and_errors_show_no_value",),
    ),
)
