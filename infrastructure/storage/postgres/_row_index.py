"""The row of ``execute_many`` that an error is of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...interfaces.exceptions import InfrastructureError
from ._feed import Feed

__all__ = ["at_row", "shifted"]


@contextmanager
def shifted(first: int, *, besides: Feed | None = None) -> Iterator[None]:
    """Add the rows that came before to the ``row_index`` of an error of the server.

    An error that the iterable of ``besides`` raised is the caller's own.
    """
    try:
        yield
    except InfrastructureError as exc:
        if exc.row_index is not None and not (besides and exc is besides.error):
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
