"""Messages of one topic whose batches were refused: one batch at a time, and as small as is wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from ._failures import overtaken
from ._publication import Batch, Publication

__all__ = ["LARGE", "Parked"]

LARGE = 1_000_000
"""Bytes of a batch at most."""

_FRAME = 10
"""Bytes of a message beside its parts, about."""

_GROWTH = 8
"""By one of so many parts of what was stored the next batch may be larger,"""

_SLOW_GROWTH = 4096
"""and by one of so many where as much was refused before: nobody knows for certain what the reason was."""

_Place = tuple[int, int]
"""The number of a batch, and where in it a message was: messages in the order in which they left."""


class Parked(deque[Publication]):
    """First come, first served; what came back waits until nothing that left behind it is on its way.

    ``pending``  batches on their way with messages of the topic.

    A message that has to keep its order fails where a later one of its key is stored by then, or may be.
    Batches are halved until what is refused went alone, and grow again: slowly from three quarters of what
    was refused on, unless it was found that single messages were the reason. Then the topic need not
    stay here for ever: see ``is_cured``.
    """

    def __init__(self, pending: Iterable[Batch]) -> None:
        super().__init__()
        self.pending = set(pending)
        self._held: list[tuple[_Place, Publication]] = []
        self._lanes: dict[bytes, list[tuple[_Place, Publication]]] = {}
        self._limit: float = LARGE
        self._highest: float = LARGE
        # Bytes of what was refused since it was halved.
        self._refused = 0
        self._is_found = False

    @property
    def is_cured(self) -> bool:
        """Whether its batches may be as large as others', and nothing is to be sent again."""
        return self._is_found and self._limit >= LARGE and not self._held and not self.pending

    def everybody(self) -> Iterator[Publication]:
        """Return all that are not handed over."""
        for _, each in self._held:
            yield each

        yield from self

    def left(self, batch: Batch) -> None:
        """Take note of a batch that was handed over."""
        # The driver may make one of it and of those, who are late then.
        for each in self.pending:
            each.beside = None

        if len(batch.members) == 1:
            batch.beside = [(each, each.left) for each in self.pending]

        self.pending.add(batch)

    def take_back(self, publication: Publication) -> None:
        """Keep a message that is to be sent again."""
        kept = (_place(publication), publication)
        publication.batch = None
        self._held.append(kept)
        self._refused += _size(publication)
        self._is_found = False

        if publication.is_ordered and publication.key is not None:
            self._lanes.setdefault(_lane(publication), []).append(kept)

    def found(self) -> None:
        """Take note that a message was refused alone: it was the reason, as far as anybody knows."""
        self._is_found = True
        self._highest = LARGE

    def stored(self, publication: Publication) -> None:
        """Let the batches grow, and fail those that came back and would come behind this one now."""
        size = _size(publication)
        self._highest = min(LARGE, self._highest + size / _SLOW_GROWTH)
        self._limit = min(self._highest, self._limit + 1 + size / _GROWTH)

        if self._lanes and publication.key is not None:
            self._overtake(_lane(publication), _place(publication))

    def _overtake(self, lane: bytes, place: _Place) -> None:
        kept = self._lanes.get(lane, ())
        later = [each for each in kept if each[0] > place]

        if len(later) < len(kept):
            # Each is looked at once.
            self._lanes[lane] = later

        for before, each in kept:
            if before < place and not each.answer.done():
                each.answer.set_exception(overtaken(each))

    def put_back(self) -> None:
        """Have what came back wait before all others; what is ``pending`` then is late."""
        if not self._held:
            return

        for batch in self.pending if self._lanes else ():
            for each in batch.members:
                if each.key is not None and each.batch is batch:
                    self._overtake(_lane(each), _place(each))

        # Half of it was refused, too, or all is taken that is smaller.
        self._highest = min(self._highest, self._refused * 0.75)
        self._limit = min(self._limit, self._refused) / 2
        self._refused = 0
        self._held.sort(key=lambda kept: kept[0])
        self.extendleft(each for _, each in reversed(self._held))
        self._held.clear()
        self._lanes.clear()

    def room(self, most: int) -> int:
        """Return how many may go in the next batch, ``most`` at most and one at least."""
        if self._limit >= LARGE:
            # The driver does not make larger ones.
            return most

        left, count = self._limit, 0

        for each in self:
            if not each.answer.done():
                left -= _size(each)

                if count == most or (count and left < 0):
                    break

                count += 1

        return max(1, count)


def _place(publication: Publication) -> _Place:
    batch = publication.batch
    assert batch is not None
    return batch.number, batch.place_of(publication)


def _lane(publication: Publication) -> bytes:
    key = publication.key
    return key.encode() if isinstance(key, str) else key or b""


def _size(publication: Publication) -> int:
    parts = [publication.payload, publication.key]

    for name, value in publication.headers:
        parts += [name, value]

    return _FRAME + sum(len(part) for part in parts if part is not None)
