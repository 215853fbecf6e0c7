"""Storages whose errors are of the wrong class, say nothing, or say too much."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_map = partial(Mutant, interface="storage", module="storage.sqlite.errors")
_fields = partial(Mutant, interface="storage", module="interfaces.exceptions")

MUTANTS: tuple[Mutant, ...] = (
    _map(
        name="knows_one_code_for_every_refusal",
        old='state = next((state for words, state in _ORDINARY if words in lowered), "42000")',
        new='state = "42000"',
        caught_by=("E1_a_refused_statement_has_its_sqlstate",),
    ),
    _map(
        name="does_not_tell_constraints_apart",
        old="make = CODES.get(code) or CODES.get(code & 0xFF)",
        new="make = CODES.get(code & 0xFF)",
        caught_by=("E2_a_constraint_is_an_integrity_error",),
    ),
    Mutant(
        name="does_not_look_whether_a_group_was_committed",
        interface="storage",
        module="storage.sqlite._runs",
        old="        _commit(con, enter)\n    except sqlite3.Error:\n        return None",
        new="        _commit(con, enter)\n    except sqlite3.Error:\n        return done",
        caught_by=("E2_a_constraint_that_waits_for_the_commit",),
    ),
    _map(
        name="does_not_say_what_failed",
        old='return make(f"{tried}: {exc}")',
        new='return make("the statement failed")',
        caught_by=("E3_errors_say_what_was_tried",),
    ),
    _map(
        name="calls_a_slow_statement_retryable",
        old='return TimeoutError(text, sqlstate="57014", outcome="not_applied")',
        new='return TimeoutError(text, sqlstate="57014", outcome="not_applied", retryable=True)',
        caught_by=("E1_a_timeout_is_the_builtin_one_too",),
    ),
    Mutant(
        name="hides_what_the_driver_said",
        interface="storage",
        module="storage.sqlite._outcome",
        old="raise sqlite_error(exc, tried) from exc",
        new="raise sqlite_error(exc, tried) from None",
        caught_by=("E2_the_drivers_error_is_the_cause",),
    ),
    Mutant(
        name="shows_the_parameters_in_its_errors",
        interface="storage",
        module="storage.sqlite._shortcuts",
        old="outcome_of(job, plan.tried)",
        new='outcome_of(job, f"{plan.tried} with {params}")',
        caught_by=("G12_no_parameter_is_shown",),
    ),
    _fields(
        name="forgets_the_outcome_that_a_class_implies",
        old="self.outcome = self._outcome if outcome is None else outcome",
        new="self.outcome = outcome",
        caught_by=("E1_a_refused_argument_was_not_applied", "S2_a_wrong_count_is_refused"),
    ),
    _fields(
        name="calls_nothing_retryable",
        old="self.retryable = self._retryable if retryable is None else retryable",
        new="self.retryable = bool(retryable)",
        caught_by=("E1_not_connected_is_retryable_and_a_builtin_error",),
    ),
)
"""Each with the checks that notice it."""
