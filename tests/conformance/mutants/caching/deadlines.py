"""Caches and blocks that mistake the time a call has."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_cache = partial(Mutant, interface="caching", module="caching.memory.cache")
_context = partial(Mutant, interface="caching", module="interfaces._context")
_life = partial(Mutant, interface="caching", module="_core.lifecycle")

MUTANTS: tuple[Mutant, ...] = (
    _context(
        name="looks_at_no_deadline",
        old="if instant is not None and instant <= time.monotonic():",
        new="if False:",
        caught_by=(
            "E1_a_timeout_is_the_builtin_one_too",
            "G5_a_call_after_the_deadline_is_refused",
            "G5_a_child_task_has_its_parents_deadline",
            "G5_the_earliest_of_nested_deadlines_rules",
        ),
    ),
    _cache(
        name="looks_at_the_deadline_after_the_work",
        old='        self._check("delete")\n        return self._remove(check_key(key))\n',
        new=(
            '        self._check_owner("delete")\n'
            "        removed = self._remove(check_key(key))\n"
            '        self._check("delete")\n'
            "        return removed\n"
        ),
        caught_by=("G5_a_call_after_the_deadline_is_refused",),
    ),
    _context(
        name="lets_the_builtin_timeout_out",
        old='raise TimeoutError(msg, outcome="not_applied", operation=operation)',
        new="raise asyncio.TimeoutError(msg)",
        caught_by=(
            "E1_a_timeout_is_the_builtin_one_too",
            "G5_a_call_after_the_deadline_is_refused",
        ),
    ),
    _context(
        name="takes_no_deadline_for_one_that_is_over",
        old="own = math.inf if self._seconds is None else time.monotonic() + self._seconds",
        new="own = time.monotonic() + (self._seconds or 0.0)",
        caught_by=("G5_an_open_deadline_changes_nothing",),
    ),
    _context(
        name="lets_an_inner_block_lengthen_the_deadline",
        old="min(own, enclosing)",
        new="own",
        caught_by=("G5_the_earliest_of_nested_deadlines_rules",),
    ),
    _context(
        name="lets_no_block_lift_the_default",
        old="    if instant is not None:\n        return instant\n",
        new="    if instant is not None and instant != math.inf:\n        return instant\n",
        caught_by=("G5_the_constructors_deadline_is_the_default",),
    ),
    _context(
        name="keeps_the_deadline_when_its_block_is_left",
        old="            _instant.reset(token)\n",
        new="            pass\n",
        caught_by=(
            "G5_a_call_after_the_deadline_is_refused",
            "G5_the_earliest_of_nested_deadlines_rules",
        ),
    ),
    _life(
        name="connects_when_its_time_is_over",
        old='        async with Limit("connect", self._deadline) as limit:\n',
        new='        limit = Limit("connect", self._deadline)\n\n        if True:\n',
        caught_by=("G5_connect_and_disconnect_under_a_passed_deadline",),
    ),
    _life(
        name="stays_connected_when_its_time_is_over",
        old='        self._adopt("disconnect")\n',
        new='        self._adopt("disconnect")\n        refuse_when_expired("disconnect")\n',
        caught_by=("G5_connect_and_disconnect_under_a_passed_deadline",),
    ),
    _context(
        name="takes_any_number_for_a_deadline",
        old="if type(seconds) not in (int, float) or not 0 < seconds < math.inf:",
        new="if not 0 < seconds < math.inf:",
        caught_by=("G11_a_bad_deadline_is_refused",),
    ),
)
