"""Wrong memory caches."""

from __future__ import annotations

from functools import partial

from ._mutant import Mutant

__all__ = ["MUTANTS"]

_cache = partial(Mutant, interface="caching", module="caching.memory.cache")

MUTANTS: tuple[Mutant, ...] = (
    _cache(
        name="shows_a_live_key_with_ttl_zero",
        old="max(1, math.ceil(entry.expires - self._now() - _ROUNDING))",
        new="int(entry.expires - self._now())",
        caught_by=("C5_ttl_is_rounded_up",),
    ),
    _cache(
        name="stores_although_the_key_was_deleted_meanwhile",
        old="if not flight.superseded:",
        new="if True:",
        caught_by=("C9_a_delete_meanwhile_wins",),
    ),
)
