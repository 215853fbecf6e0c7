"""Values kept in this process out of everybody's reach: as they are, as a private copy, or encoded."""

from __future__ import annotations

from collections.abc import Iterable
from sys import getsizeof
from typing import Any

from ._msgpack import MAX_VALUE, decode_own, encode, is_atom, own
from ._program import SCALARS

__all__ = ["Frozen", "freeze", "size_in_memory"]


class Frozen:
    """A value that somebody could change: each ``thaw`` gives a new one.

    A container of scalars, or of such containers, is kept as a private copy (a row, a list of
    rows): copying it takes a fraction of decoding it, above all where there are times and
    decimals. Everything else is kept encoded. Raises ``ValidationError`` where the default
    codec would.

    ``encoded``  how many bytes it takes in that codec.
    """

    __slots__ = ("_kept", "_places", "encoded")

    def __init__(self, value: Any, *, limit: int = MAX_VALUE, what: str = "value") -> None:
        # Encoded in any case: that is how every part is checked, and the whole measured.
        data = encode(value, limit=limit, what=what)
        self.encoded: int = len(data)
        # Where in the copy the inner containers are; None: it is encoded.
        self._places = _places(value)
        self._kept: Any = own(data) if self._places is None else _copy(value, self._places)

    def thaw(self) -> Any:
        """Return an equal value of the same types, the caller's own."""
        if self._places is None:
            return decode_own(self._kept)

        # As _copy, written out.
        copy = self._kept.copy()

        for place in self._places:
            copy[place] = copy[place].copy()

        return copy

    def size(self) -> int:
        """Return about how many bytes of memory it takes, all its parts together."""
        if self._places is None:
            return getsizeof(self._kept)

        inner = (self._kept[place] for place in self._places)
        return getsizeof(self._places) + _flat_size(self._kept) + sum(map(_flat_size, inner))


def freeze(value: Any) -> Any:
    """Return ``value`` itself where nobody can change it, else a ``Frozen`` of it."""
    return value if is_atom(value) else Frozen(value)


def size_in_memory(kept: Any) -> int:
    """Return about how many bytes what ``freeze`` returned takes in memory."""
    return kept.size() if isinstance(kept, Frozen) else getsizeof(kept)


def _copy(value: Any, places: tuple[Any, ...]) -> Any:
    copy = value.copy()

    for place in places:
        copy[place] = copy[place].copy()

    return copy


def _places(value: Any) -> tuple[Any, ...] | None:
    """Return where in ``value`` there are containers of scalars; ``None``: it is not that simple."""
    if type(value) not in _COPIED:
        return None

    if _is_flat(value):
        return ()

    pairs = value.items() if type(value) is dict else enumerate(value)
    inner = [(place, part) for place, part in pairs if type(part) not in SCALARS]

    # What is not a scalar in a set is a tuple or a frozenset, of whatever depth.
    if all(type(part) in _COPIED and _is_flat(part) for _, part in inner):
        return tuple([place for place, _ in inner])

    return None


def _is_flat(value: Any) -> bool:
    return SCALARS.issuperset(map(type, _parts(value)))


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if type(value) is dict else value


def _flat_size(value: Any) -> int:
    """Return the size of a container and of the scalars in it, a dict's keys among them."""
    keys = value if type(value) is dict else ()
    return sum(map(getsizeof, _parts(value)), sum(map(getsizeof, keys), getsizeof(value)))


_COPIED = frozenset({dict, list, set})
