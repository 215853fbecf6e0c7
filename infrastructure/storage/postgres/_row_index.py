"""The row of ``execute_many`` that an error is of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...interfaces.exceptions import InfrastructureError
from ._feed import Feed

__all__ = ["at_row", "shifted"]


@contextmanager
def shifted(feed: Feed, rows: int = 0) -> Iterator[None]:
    """Add the rows that came before to the ``row_index`` of an error of the server.

    Those before the block, where the last ``rows`` of them belong to it. What the iterable of
    ``feed`` itself raised is the caller's own.
    """
    first = feed.position - rows

    try:
        yield
    except InfrastructureError as exc:
        if exc.row_index is not None and exc is not feed.error:
            exc.row_index += first

        raise


@contextmanager
def at_row(row_index: int) -> Iterator[None]:
    """Note in an error which row it is of."""
    try:
        yield
    except InfrastructureError as exc:
        exc.row_index = row_index
        raise
