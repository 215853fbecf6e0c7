"""Makes up arguments for caches: keys and values that are legal, and calls that are not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from infrastructure.conformance._values import PROBES
from infrastructure.interfaces import escape_pattern

from .glob_oracle import patterns
from .values import any_values, text

__all__ = ["bad_calls", "keys", "mappings", "scan_patterns", "seconds", "ttls", "values"]


class Text(str):
    """A key of a subclass: it counts as its text."""

    __slots__ = ()


_NAMED = ["a", "b", "ab", "A", "a*", "*", "[a]", "a\\", "a:1", "a:2", "b:1", "\n", "\0", "🙂"]
# One with ZWNJ, one without; one letter, and the same as two code points.
_NAMED += ["می\u200cخواهم", "میخواهم", "é", "e\u0301"]

# Few keys for most steps: what they do must meet.
_usual = st.sampled_from(["a", "ab", "a*", "می\u200cخواهم"])
keys = st.one_of(
    _usual,
    _usual.map(str),
    _usual.map(Text),
    st.sampled_from(_NAMED),
    st.text(alphabet="ab:*س", min_size=1, max_size=3) | text.filter(bool),
)
values = st.one_of(
    st.sampled_from(list(PROBES.values())),
    st.lists(st.integers(), max_size=3),
    any_values(depth=1),
)
ttls = st.one_of(st.none(), st.integers(0, 5), st.sampled_from([100, 2**31 - 1]))
mappings = st.dictionaries(keys, values, max_size=4)
seconds = st.sampled_from(["1/4", "1", "5/4", "3", "100", "100000"])

_prefixes = st.sampled_from(_NAMED).map(lambda key: escape_pattern(key[:1]) + "*")
scan_patterns = st.one_of(st.just("*"), _prefixes, keys.map(escape_pattern), patterns)

# Too long to be shown: made from a letter.
_long_keys = st.sampled_from(["k", "س"]).map(
    lambda letter: letter * (64 * 1024 // len(letter.encode()) + 1)
)
_unhashable_keys = st.builds(list)
_bad_keys = st.sampled_from(["", None, 1, b"a", "\ud800"]) | _long_keys
_bad_values = st.sampled_from(
    [object(), bytearray(b"a"), [range(3)], {"a": {"b": object}}, {(1, 2): 3}, 1j, "\ud800"]
)
_bad_ttls = st.sampled_from([-1, 2**31, True, False, 1.0, "1"])
_bad_patterns = st.sampled_from(["[", "[]", "a[b", "[^]", "\\", "a\\", "\ud800", None, b"*"])


@st.composite
def bad_calls(draw: Any) -> tuple[str, tuple[Any, ...]]:
    """Return the name of a method, and arguments of which one is not legal."""
    key, bad = draw(keys), draw(_bad_keys | _unhashable_keys)
    hashable, value, worse, late = draw(_bad_keys), draw(values), draw(_bad_values), draw(_bad_ttls)
    calls: list[tuple[str, tuple[Any, ...]]] = [
        *((name, (bad,)) for name in ("get", "exists", "ttl", "delete")),
        *((name, ([key, bad],)) for name in ("get_many", "delete_many")),
        ("scan_keys", (draw(_bad_patterns),)),
        ("set", (bad, value)),
        ("set", (key, worse)),
        ("set", (key, value, late)),
        ("set_many", ({key: value, hashable: 1},)),
        ("set_many", ({"c": 1, key: worse},)),
        ("set_many", ({key: value}, late)),
        ("get_or_set", (bad, None)),
        ("get_or_set", (key, None, late)),
    ]
    return draw(st.sampled_from(calls))
