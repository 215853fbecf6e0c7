"""Caches that let keys expire too early, too late or never."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_cache = partial(Mutant, interface="caching", module="caching.memory.cache")
_store = partial(Mutant, interface="caching", module="caching.memory._store")
_sweep = partial(Mutant, interface="caching", module="caching.memory._sweep")
_names = partial(Mutant, interface="caching", module="_core.names")

MUTANTS: tuple[Mutant, ...] = (
    _cache(
        name="shows_a_live_key_with_ttl_zero",
        old="max(1, math.ceil(entry.expires - self._now() - _ROUNDING))",
        new="int(entry.expires - self._now())",
        caught_by=("C5_ttl_is_rounded_up",),
    ),
    _cache(
        name="says_minus_one_for_no_expiry",
        old="            return None\n\n        # Adding",
        new="            return -1\n\n        # Adding",
        caught_by=("C4_set_without_ttl_clears_an_earlier_one", "C5_ttl_is_none_without_expiry"),
    ),
    _cache(
        name="takes_seconds_for_milliseconds",
        old="self._store.put(key, entry, self._now() + ttl)",
        new="self._store.put(key, entry, self._now() + ttl / 1000)",
        caught_by=("C5_the_longest_ttl_is_kept", "C5_ttl_is_rounded_up"),
    ),
    _cache(
        name="keeps_no_key_longer_than_a_month",
        old="self._store.put(key, entry, self._now() + ttl)",
        new="self._store.put(key, entry, self._now() + min(ttl, 30 * 86400))",
        caught_by=("C5_the_longest_ttl_is_kept",),
    ),
    _cache(
        name="takes_ttl_zero_for_none",
        old="        if ttl is None:\n            self._store.put",
        new="        if not ttl:\n            self._store.put",
        caught_by=("C4_ttl_zero_removes_the_key", "C8_set_many_stores_all_with_one_ttl"),
    ),
    _cache(
        name="leaves_the_old_value_at_ttl_zero",
        old="        else:\n            self._store.drop(key)\n",
        new="        else:\n            pass\n",
        caught_by=("C4_ttl_zero_removes_the_key", "C8_set_many_stores_all_with_one_ttl"),
    ),
    _cache(
        name="gives_each_key_a_timer_that_nobody_cancels",
        old="            self._store.put(key, entry, self._now() + ttl)\n",
        new=(
            "            self._store.put(key, entry, self._now() + ttl)\n"
            "            self._shared.clock.call_later(ttl, partial(self._store.drop, key))\n"
        ),
        caught_by=(
            "C4_set_with_ttl_replaces_an_earlier_one",
            "C4_set_without_ttl_clears_an_earlier_one",
            "C6_set_after_delete_stores_anew",
        ),
    ),
    _store(
        name="keeps_the_ttl_of_the_old_value",
        old="        entry.expires = expires\n",
        new="        entry.expires = expires if old is None else min(expires, old.expires)\n",
        caught_by=(
            "C4_set_with_ttl_replaces_an_earlier_one",
            "C4_set_without_ttl_clears_an_earlier_one",
        ),
    ),
    _store(
        name="waits_for_the_sweep_to_expire_a_key",
        old="if entry is not None and entry.expires != NEVER and entry.expires <= self._now():",
        new="if entry is not None and entry.expires == -NEVER:",
        caught_by=("C4_each_key_expires_at_its_own_time",),
    ),
    _store(
        name="reads_a_key_that_waits_for_the_sweep",
        old="if entry is None or (entry.expires != NEVER and entry.expires <= self._now()):",
        new="if entry is None:",
        caught_by=("C4_each_key_expires_at_its_own_time",),
    ),
    _cache(
        name="says_that_it_removed_an_expired_key",
        old="return entry is not None and entry.expires > self._now()",
        new="return entry is not None",
        caught_by=("C4_each_key_expires_at_its_own_time",),
    ),
    _sweep(
        name="sweeps_what_has_a_ttl_at_all",
        old="            if entry.expires <= now:",
        new="            if entry.expires != NEVER:",
        caught_by=("C4_each_key_expires_at_its_own_time",),
    ),
    _names(
        name="takes_a_bool_for_a_ttl",
        old="(type(ttl) is int and 0 <= ttl <= MAX_TTL)",
        new="(isinstance(ttl, int) and 0 <= ttl <= MAX_TTL)",
        caught_by=("C4_a_bad_ttl_is_refused",),
    ),
    _names(
        name="bounds_no_ttl",
        old="(type(ttl) is int and 0 <= ttl <= MAX_TTL)",
        new="(type(ttl) is int and 0 <= ttl)",
        caught_by=("C4_a_bad_ttl_is_refused",),
    ),
    _names(
        name="takes_a_negative_ttl_for_an_expired_one",
        old="    if ttl is None or (type",
        new=(
            "    if type(ttl) is int and ttl < 0:\n        return 0\n\n    if ttl is None or (type"
        ),
        caught_by=(
            "C2_a_refused_value_leaves_the_old_one",
            "C4_a_bad_ttl_is_refused",
            "C8_a_bad_part_is_refused_and_named",
            "C9_the_arguments_are_validated_before_the_factory_runs",
        ),
    ),
    _cache(
        name="looks_at_the_ttl_when_the_value_is_stored",
        old="        self._put(key, entry, check_ttl(ttl))\n",
        new="        self._put(key, entry, ttl)\n        check_ttl(ttl)\n",
        caught_by=("C4_a_bad_ttl_is_refused",),
    ),
)
