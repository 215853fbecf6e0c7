"""Caches that bend a value, share it, or take one that nobody may store."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_store = partial(Mutant, interface="caching", module="caching.memory._store")
_cache = partial(Mutant, interface="caching", module="caching.memory.cache")
_codec = partial(Mutant, interface="caching", module="_core._msgpack")
_program = partial(Mutant, interface="caching", module="_core._program")
_ext = partial(Mutant, interface="caching", module="_core._ext")

MUTANTS: tuple[Mutant, ...] = (
    _store(
        name="keeps_the_very_object_it_was_given",
        old="kept = freeze(value)",
        new="freeze(value)\n        kept = value",
        caught_by=(
            "C2_later_changes_of_the_caller_are_not_stored",
            "C2_what_get_returns_is_the_callers_own",
            "C9_an_answer_shares_nothing_with_the_cache",
            "C9_each_caller_gets_a_copy_of_its_own",
        ),
    ),
    _store(
        name="copies_at_set_and_not_at_get",
        old="kept = freeze(value)",
        new="kept = freeze(value)\n        kept = kept.thaw() if isinstance(kept, Frozen) else kept",
        caught_by=(
            "C2_what_get_returns_is_the_callers_own",
            "C9_an_answer_shares_nothing_with_the_cache",
            "C9_each_caller_gets_a_copy_of_its_own",
        ),
    ),
    _store(
        name="copies_by_pickle",
        old="kept = freeze(value)",
        new="import pickle\n        kept = pickle.loads(pickle.dumps(value))",
        caught_by=("C2_other_types_are_refused", "G13_a_value_that_pickles_runs_nothing"),
    ),
    _store(
        name="takes_a_subclass_for_its_base",
        old="kept = freeze(value)",
        new="kept = value if isinstance(value, (str, int, float)) else freeze(value)",
        caught_by=("C2_other_types_are_refused",),
    ),
    _codec(
        name="takes_a_datetime_subclass_as_it_is",
        old="    return kind in SCALARS\n",
        new="    return isinstance(value, (dt.datetime, dt.date)) or kind in SCALARS\n",
        caught_by=("C2_other_types_are_refused",),
    ),
    _codec(
        name="takes_a_bytearray_for_bytes",
        old="and not _is_clean(value)",
        new="and False",
        caught_by=("C2_other_types_are_refused",),
    ),
    _codec(
        name="lets_the_packers_own_error_out",
        old="    except (TypeError, RecursionError) as exc:\n        refuse",
        new="    except RecursionError as exc:\n        refuse",
        caught_by=(
            "C2_a_circular_value_is_refused",
            "C2_other_types_are_refused",
            "E1_a_refused_argument_was_not_applied",
        ),
    ),
    _codec(
        name="stores_the_text_of_what_it_does_not_know",
        old="        refuse(value, what, TYPES)\n        msg",
        new="        return encode(str(value))\n        msg",
        caught_by=(
            "C2_a_circular_value_is_refused",
            "C2_a_refused_value_leaves_the_old_one",
            "C2_other_types_are_refused",
            "C9_a_made_value_that_cannot_be_stored_reaches_all_as_an_error",
            "G13_a_value_that_pickles_runs_nothing",
        ),
    ),
    _codec(
        name="bounds_no_encoded_value",
        old="if len(packed) > limit:",
        new="if limit > MAX_VALUE:",
        caught_by=("G11_a_value_over_16_mib_is_refused",),
    ),
    _codec(
        name="bounds_values_at_half",
        old="if len(packed) > limit:",
        new="if len(packed) > limit // 2:",
        caught_by=("G11_a_value_over_16_mib_is_refused",),
    ),
    _program(
        name="keeps_a_few_levels_only",
        old="if depth >= MAX_DEPTH or",
        new="if depth >= 10 or",
        caught_by=("C2_every_type_comes_back_exactly",),
    ),
    _program(
        name="turns_the_keys_of_a_dict_into_text",
        old="return dict(zip(items[::2], items[1::2], strict=True))",
        new="return dict(zip(map(str, items[::2]), items[1::2], strict=True))",
        caught_by=("C2_every_type_comes_back_exactly", "C8_set_many_stores_all_with_one_ttl"),
    ),
    _ext(
        name="forgets_the_fold",
        old="    return not value.fold and (\n",
        new="    return (\n",
        caught_by=("C2_every_type_comes_back_exactly",),
    ),
    _ext(
        name="keeps_the_offset_instead_of_the_zone",
        old="        rest = zone.key\n",
        new=(
            "        offset = value.utcoffset() or dt.timedelta()\n"
            "        rest = [offset.days, offset.seconds, offset.microseconds]\n"
        ),
        caught_by=("C2_every_type_comes_back_exactly",),
    ),
    _ext(
        name="writes_decimals_as_floats",
        old="Ext(_DECIMAL, str(value).encode())",
        new="Ext(_DECIMAL, str(Decimal(float(value) if value.is_finite() else value)).encode())",
        caught_by=("C2_every_type_comes_back_exactly",),
    ),
    _ext(
        name="returns_datetimes_in_utc",
        old="    return dt.datetime.fromisoformat(data.decode())\n",
        new=(
            "    found = dt.datetime.fromisoformat(data.decode())\n"
            "    return found.astimezone(dt.UTC) if found.tzinfo else found\n"
        ),
        caught_by=("C2_every_type_comes_back_exactly",),
    ),
    _cache(
        name="drops_the_old_value_before_it_looks_at_the_new_one",
        old="entry = self._store.freeze(check_key(key), value)\n",
        new=("self._store.drop(check_key(key))\n        entry = self._store.freeze(key, value)\n"),
        caught_by=("C2_a_refused_value_leaves_the_old_one",),
    ),
    _cache(
        name="gives_the_empty_text_for_a_miss",
        old="            return None\n\n        # As entry.thaw",
        new='            return ""\n\n        # As entry.thaw',
        caught_by=("C3_a_miss_is_none", "C4_a_key_expires_after_its_ttl"),
    ),
    _cache(
        name="takes_a_stored_none_for_a_missing_key",
        old="return self._store.find(check_key(key)) is not None",
        new=(
            "entry = self._store.find(check_key(key))\n"
            "        return entry is not None and entry.thaw() is not None"
        ),
        caught_by=("C3_a_stored_none_exists", "C6_delete_is_true_for_a_live_key_only"),
    ),
    _cache(
        name="answers_exists_with_the_entry",
        old="return self._store.find(check_key(key)) is not None",
        new="return self._store.find(check_key(key))",
        caught_by=("C3_a_miss_is_none", "C6_delete_is_true_for_a_live_key_only"),
    ),
)
