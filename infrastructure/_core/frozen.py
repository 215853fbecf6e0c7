"""Values kept in this process out of everybody's reach: as they are, as a private copy, or encoded."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from sys import getsizeof
from typing import Any

from ._msgpack import decode_own, encode, is_atom, own
from ._program import SCALARS

__all__ = ["Frozen", "freeze", "size_in_memory"]


# Bytes of a scalar beside what it takes encoded, about: its head, and its place.
_PART = 64


class Frozen:
    """A value that somebody could change: each ``thaw`` gives a new one.

    A container of scalars, or of such containers, is kept as a private copy (a row, a list of
    rows): copying it takes a fraction of decoding it, above all where there are times and
    decimals. Everything else is kept encoded. Raises ``ValidationError`` where the default
    codec would.

    ``size``  how many bytes of memory it takes, all its parts together, about.
    """

    __slots__ = ("_kept", "_places", "size")

    def __init__(self, value: Any) -> None:
        # Encoded in any case: that is how every part is checked, and the whole measured.
        data = encode(value)
        # Where in the copy the inner containers are; None: it is encoded.
        self._places = _places(value)

        if self._places is None:
            self._kept: Any = own(data)
            self.size: int = getsizeof(data)
        else:
            self._kept = _copy(value, self._places)
            self.size = len(data) + _room(self._kept)

            for place in self._places:
                self.size += _room(self._kept[place])

    def thaw(self) -> Any:
        """Return an equal value of the same types, the caller's own."""
        if self._places is None:
            return decode_own(self._kept)

        # As _copy, written out.
        copy = self._kept.copy()

        for place in self._places:
            copy[place] = copy[place].copy()

        return copy


def freeze(value: Any) -> Any:
    """Return ``value`` itself where nobody can change it, else a ``Frozen`` of it."""
    return value if is_atom(value) else Frozen(value)


def size_in_memory(kept: Any) -> int:
    """Return about how many bytes what ``freeze`` returned takes in memory."""
    return kept.size if isinstance(kept, Frozen) else getsizeof(kept)


def _copy(value: Any, places: Iterable[Any]) -> Any:
    copy = value.copy()

    for place in places:
        copy[place] = copy[place].copy()

    return copy


def _places(value: Any) -> tuple[Any, ...] | None:
    """Return where in ``value`` there are containers of scalars; ``None``: it is not that simple."""
    parts = _parts(value)

    if parts is None:
        return None

    if _are_scalars(map(type, parts)):
        return ()

    places = []

    for place, part in value.items() if type(value) is dict else enumerate(value):
        if type(part) in SCALARS:
            continue

        inner = _parts(part)

        if inner is None or not _are_scalars(map(type, inner)):
            return None

        places.append(place)

    return tuple(places)


def _parts(value: Any) -> Collection[Any] | None:
    """Return what is in a container that can be copied, but the keys of a dict."""
    kind = type(value)

    if kind is dict:
        return value.values()  # type: ignore[no-any-return]  # of a dict

    return value if kind is list or kind is set else None


def _room(container: Any) -> int:
    """Return what a container takes beside the contents of its scalars; a dict has two a place."""
    parts = 2 * len(container) if type(container) is dict else len(container)
    return getsizeof(container) + _PART * parts


_are_scalars = SCALARS.issuperset
