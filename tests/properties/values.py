"""Makes up values of every type of the contract, nested in every way that it allows."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

__all__ = ["any_values", "hashables", "keys", "scalars", "text", "values"]

text = st.text(alphabet=st.characters(exclude_categories=("Cs",)))
offsets = st.timedeltas(
    min_value=timedelta(hours=-24, microseconds=1), max_value=timedelta(hours=24, microseconds=-1)
)
zones = st.one_of(
    st.none(),
    st.builds(timezone, offsets),
    st.builds(timezone, offsets, text),
    st.sampled_from([ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tehran"), ZoneInfo("UTC")]),
)


def folded(values: Any) -> Any:
    return st.builds(lambda value, fold: value.replace(fold=fold), values, st.integers(0, 1))


keys = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    text,
    st.binary(),
    folded(st.datetimes(timezones=zones)),
    st.dates(),
    folded(st.times(timezones=zones)),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
)
scalars = st.one_of(keys, st.decimals(), st.integers().map(lambda number: number**31))


# Functions of their own, not st.recursive: its repr grows beyond what hypothesis warns of.
@st.composite
def hashables(draw: Any, depth: int = 3) -> Any:
    if not depth:
        return draw(keys)

    inner = hashables(depth - 1)
    return draw(st.one_of(keys, st.tuples(inner, inner), st.frozensets(inner, max_size=3)))


@st.composite
def any_values(draw: Any, depth: int = 4) -> Any:
    if not depth:
        return draw(scalars)

    inner = any_values(depth - 1)
    choices = (
        scalars,
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(hashables(), max_size=3),
        st.dictionaries(text, inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3),
    )
    return draw(st.one_of(*choices))


values = any_values()
