"""Caches that take the wrong keys, or mistake one key for another."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_names = partial(Mutant, interface="caching", module="_core.names")
_cache = partial(Mutant, interface="caching", module="caching.memory.cache")
_PUT = "        shard = self.shards[hash(key) & self.mask]\n        old = shard.get(key)\n"
_put = partial(Mutant, interface="caching", module="caching.memory._store", old=_PUT)

MUTANTS: tuple[Mutant, ...] = (
    _put(
        name="trims_keys",
        new=f"        key = key.strip()\n{_PUT}",
        caught_by=("C1_keys_are_case_sensitive_and_never_trimmed",),
    ),
    _put(
        name="stores_keys_in_lower_case",
        new=f"        key = key.lower()\n{_PUT}",
        caught_by=("C1_keys_are_case_sensitive_and_never_trimmed",),
    ),
    _put(
        name="normalises_keys",
        new=f'        import unicodedata\n        key = unicodedata.normalize("NFD", key)\n{_PUT}',
        caught_by=("C1_keys_are_not_normalised",),
    ),
    _names(
        name="takes_an_empty_key",
        old="    if not key:\n",
        new="    if key is None:\n",
        caught_by=(
            "C1_a_bad_key_is_refused_everywhere",
            "C8_a_bad_part_is_refused_and_named",
            "C9_the_arguments_are_validated_before_the_factory_runs",
        ),
    ),
    _names(
        name="takes_a_key_of_bytes",
        old="if not isinstance(key, str):",
        new="if not isinstance(key, (str, bytes)):",
        caught_by=("C1_a_bad_key_is_refused_everywhere",),
    ),
    _names(
        name="takes_a_lone_surrogate_in_a_key",
        old="return text.encode()",
        new='return text.encode(errors="surrogatepass")',
        caught_by=("C1_a_bad_key_is_refused_everywhere",),
    ),
    _cache(
        name="looks_at_no_key_in_exists",
        old="return self._store.find(check_key(key)) is not None",
        new="return self._store.find(key) is not None",
        caught_by=("C1_a_bad_key_is_refused_everywhere", "G11_a_key_over_64_kib_is_refused"),
    ),
    _names(
        name="measures_keys_in_characters",
        old='size = len(key) if key.isascii() else len(_encode("the key", key))',
        new='_encode("the key", key)\n    size = len(key)',
        caught_by=("G11_a_key_over_64_kib_is_refused",),
    ),
    _names(
        name="refuses_the_longest_key",
        old="if size > MAX_KEY:",
        new="if size >= MAX_KEY:",
        caught_by=("C1_a_key_of_64_kib_is_kept",),
    ),
)
