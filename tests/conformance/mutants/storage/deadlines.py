"""Storages that end too late, too early, or not at all."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_context = partial(Mutant, interface="storage", module="interfaces._context")

MUTANTS: tuple[Mutant, ...] = (
    _context(
        name="opens_a_deadline_that_nobody_sees",
        old="self._token = _instant.set(own if enclosing is None else min(own, enclosing))",
        new="self._token = _instant.set(enclosing)",
        caught_by=(
            "G5_a_child_task_has_its_parents_deadline",
            "G5_a_call_after_the_deadline_is_refused",
        ),
    ),
    _context(
        name="lets_an_inner_deadline_lengthen_the_outer",
        old="own if enclosing is None else min(own, enclosing)",
        new="own",
        caught_by=("G5_the_earliest_of_nested_deadlines_rules",),
    ),
    _context(
        name="refuses_a_deadline_of_none",
        old='self._seconds = None if seconds is None else check_seconds("deadline", seconds)',
        new='self._seconds = check_seconds("deadline", seconds)',
        caught_by=("G5_an_open_deadline_changes_nothing",),
    ),
    _context(
        name="never_lengthens_the_default",
        old="if instant is not None:\n        return instant\n",
        new="if instant is not None:\n"
        "        return min(instant, time.monotonic() + (default or math.inf))\n",
        caught_by=("G5_the_default_of_the_constructor_counts",),
    ),
    _context(
        name="takes_true_for_a_second",
        old="if type(seconds) not in (int, float) or",
        new="if not isinstance(seconds, (int, float)) or",
        caught_by=("G11_a_bad_deadline_is_refused",),
    ),
    Mutant(
        name="stops_a_rollback_at_the_deadline",
        interface="storage",
        module="storage._transactional",
        old='self._check_owner("rollback")',
        new='self._check("rollback")',
        caught_by=("G5_a_rollback_is_not_stopped_by_an_expired_block",),
    ),
)
"""Each with the checks that notice it."""
