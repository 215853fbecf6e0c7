"""Caches whose delete says or does something else."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_cache = partial(Mutant, interface="caching", module="caching.memory.cache")

MUTANTS: tuple[Mutant, ...] = (
    _cache(
        name="says_that_it_removed_what_was_not_there",
        old="return entry is not None and entry.expires > self._now()",
        new="return True",
        caught_by=(
            "C4_a_key_expires_after_its_ttl",
            "C6_delete_is_true_for_a_live_key_only",
            "C8_delete_many_counts_live_keys",
        ),
    ),
    _cache(
        name="asks_the_value_whether_it_was_removed",
        old="return entry is not None and entry.expires > self._now()",
        new="return entry is not None and bool(entry.thaw())",
        caught_by=("C3_a_stored_none_exists", "C6_delete_is_true_for_a_live_key_only"),
    ),
    _cache(
        name="removes_a_key_a_moment_later",
        old="        entry = self._store.drop(key)\n        return entry",
        new=(
            "        entry = self._store.find(key, self._now)\n"
            "        asyncio.get_running_loop().call_soon(self._store.drop, key)\n"
            "        return entry"
        ),
        caught_by=("C6_delete_is_true_for_a_live_key_only", "C6_set_after_delete_stores_anew"),
    ),
)
