"""Takes the rows of the caller's iterable in steps that do not hold the event loop."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from ...interfaces.exceptions import ValidationError

__all__ = ["HOLD", "LOOK", "Feed", "paced"]

HOLD = 0.002
"""Seconds for which the event loop is held to take and encode rows."""

LOOK = 128
"""Rows between two looks at the clock, at most."""


class Feed:
    """The rows of one call, each taken once.

    ``position``  the index of the row that comes next.
    ``ended``     there is none: seen when fewer rows came than were asked for.
    ``error``     what the iterable itself raised.
    """

    __slots__ = ("_rows", "ended", "error", "position")

    def __init__(self, params_list: Iterable[Sequence[Any]]) -> None:
        try:
            self._rows: Iterator[Any] = iter(params_list)
        except TypeError as exc:
            kind = type(params_list).__name__
            msg = f"execute_many takes an iterable of parameter lists, got {kind}"
            raise ValidationError(msg, operation="execute_many") from exc

        self.position: int = 0
        self.ended: bool = False
        self.error: BaseException | None = None

    def next(self, wanted: int) -> list[Any]:
        """Take as many rows, or those that are left."""
        try:
            taken = list(islice(self._rows, wanted))
        except BaseException as exc:
            self.error = exc
            raise

        self.position += len(taken)
        self.ended = len(taken) < wanted
        return taken

    def take(self, most: int, until: float) -> list[Any]:
        """Take at most so many rows, and one at least, until an instant of ``perf_counter``."""
        taken: list[Any] = []

        # As many again at each look as there are: the caller's iterable may be slow.
        while len(taken) < most and not self.ended:
            taken += self.next(min(max(1, len(taken)), LOOK, most - len(taken)))

            if time.perf_counter() >= until:
                break

        return taken

    def put_back(self, rows: Sequence[Any]) -> None:
        """Give rows, the last that were taken, back to the front."""
        if rows:
            self._rows = chain(rows, self._rows)
            self.position -= len(rows)
            self.ended = False


def paced(most: int, took: float, limit: int) -> int:
    """Return how many rows to take at a time, after ``most`` took so many seconds."""
    if took > 2 * HOLD:
        return max(1, most // 2)

    return min(limit, most * 2) if took < HOLD else most
