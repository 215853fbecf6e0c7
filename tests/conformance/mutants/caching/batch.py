"""Caches that lose a part of a batch, or say the wrong thing about it."""

from __future__ import annotations

from functools import partial

from ...toy_caches import InheritsMixins
from .._mutant import Mutant

__all__ = ["MUTANTS"]

_cache = partial(Mutant, interface="caching", module="caching.memory.cache")
_steps = partial(Mutant, interface="caching", module="caching._steps")
_mixin = partial(Mutant, interface="caching", module="interfaces.caching", harness=InheritsMixins)

MUTANTS: tuple[Mutant, ...] = (
    _cache(
        name="leaves_a_stored_none_out_of_get_many",
        old="if (entry := self._store.use(key)) is not None:",
        new="if (entry := self._store.use(key)) and entry.thaw() is not None:",
        caught_by=("C8_get_many_gives_hits_only", "C8_set_many_stores_all_with_one_ttl"),
    ),
    _cache(
        name="says_none_for_what_get_many_missed",
        old="                    found[key] = entry.thaw()\n",
        new=(
            "                    found[key] = entry.thaw()\n"
            "                else:\n                    found[key] = None\n"
        ),
        caught_by=("C8_get_many_gives_hits_only", "C8_large_batches_are_complete"),
    ),
    _cache(
        name="reads_an_iterator_of_keys_twice",
        old='steps = await self._checked("get_many", ',
        new=(
            "any(check_key(key) is None for key in keys)\n"
            '        steps = await self._checked("get_many", '
        ),
        caught_by=("C8_get_many_gives_hits_only",),
    ),
    _cache(
        name="forgets_the_ttl_of_a_batch",
        old="self._put(key, frozen.popleft(), ttl)",
        new="self._put(key, frozen.popleft(), None)",
        caught_by=("C8_set_many_stores_all_with_one_ttl",),
    ),
    _cache(
        name="counts_the_keys_it_was_asked_to_delete",
        old="removed += sum(map(self._remove, part))",
        new="removed += len([self._remove(key) for key in part])",
        caught_by=("C8_delete_many_counts_live_keys",),
    ),
    _cache(
        name="deletes_the_letters_of_a_text",
        old='self._checked("delete_many", list(several(keys, "keys")))',
        new='self._checked("delete_many", list(keys))',
        caught_by=("C8_a_text_is_not_several_keys",),
    ),
    _cache(
        name="refuses_an_empty_batch",
        old="        self._check(operation)\n        steps",
        new="        self._check(operation)\n        check_key(keys[0] if keys else None)\n        steps",
        caught_by=("C8_empty_batches_are_fine",),
    ),
    _steps(
        name="loses_the_last_key_of_each_step",
        old="return self._keys[start : self._done]",
        new="return self._keys[start : max(start + 1, self._done - 1)]",
        caught_by=("C8_large_batches_are_complete",),
    ),
    _steps(
        name="names_what_was_done_as_failed",
        old="exc.failed_keys = tuple(self._keys[start:])",
        new="exc.failed_keys = tuple(self._keys[:start])",
        caught_by=("C8_a_batch_that_is_cut_short_names_what_is_left",),
    ),
    _steps(
        name="denies_a_batch_that_was_stored_in_part",
        old="exc.outcome = outcome",
        new='exc.outcome = "not_applied"',
        caught_by=("C8_a_batch_that_is_cut_short_names_what_is_left",),
    ),
    _cache(
        name="looks_at_no_key_of_a_batch",
        old="                check_key(key)\n",
        new="                str(key)\n",
        caught_by=("C8_a_bad_part_is_refused_and_named", "C8_nothing_changes_when_a_part_is_bad"),
    ),
    _cache(
        name="stores_a_batch_as_it_goes",
        old="            frozen.extend(self._store.freeze(key, values[key]) for key in part)\n",
        new=(
            "            for key in part:\n"
            "                entry = self._store.freeze(key, values[key])\n"
            "                self._put(key, entry, ttl)\n"
            "                frozen.append(entry)\n"
        ),
        caught_by=("C8_a_bad_part_is_refused_and_named", "C8_nothing_changes_when_a_part_is_bad"),
    ),
    _mixin(
        name="inherits_a_get_many_without_a_stored_none",
        old="if value is not None or await self.exists(key):",
        new="if value is not None:",
        caught_by=(
            "C8_get_many_gives_hits_only",
            "C8_set_many_stores_all_with_one_ttl",
            "C9_a_hit_calls_no_factory",
            "C9_the_value_is_stored_with_its_ttl",
        ),
    ),
    _mixin(
        name="names_every_key_of_a_batch_as_failed",
        old="exc.failed_keys = tuple(keys[position:])",
        new="exc.failed_keys = tuple(keys)",
        caught_by=("C8_a_bad_part_is_refused_and_named",),
    ),
    _mixin(
        name="says_that_nothing_of_a_batch_was_stored",
        old='exc.outcome = "unknown"',
        new='exc.outcome = "not_applied"',
        caught_by=("C8_a_bad_part_is_refused_and_named",),
    ),
)
