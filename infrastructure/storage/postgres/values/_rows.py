"""The rows of a result as dicts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import DefaultContext
from typing import Any

from psycopg import DataError, abc
from psycopg.adapt import Transformer
from psycopg.pq import Format
from psycopg.pq.abc import PGresult

from ....interfaces.exceptions import OperationError
from ._dicts import row_maker
from ._loaders import BINARY, EXACT, FAST
from ._oids import ARRAYS, OIDS
from ._text_loaders import TEXT

__all__ = ["Rows"]

_NUMERIC = frozenset({OIDS["NUMERIC"], ARRAYS["NUMERIC"]})
# The driver reads short decimals under this context, whatever the program has made of it.
_USUAL = 28


class Rows:
    """How the results of a statement with these columns become dicts.

    ``format``  what to ask of the server: 1 is binary, 0 is text, where a column has a type
                that is known by its text only, or where ``text`` was asked for already.

    One result at a time: it belongs to one thread.
    """

    __slots__ = ("_exact", "_has_numeric", "_make", "_transformer", "_width", "format", "oids")

    def __init__(self, names: Sequence[str], oids: Sequence[int], *, text: bool = False) -> None:
        self.oids: tuple[int, ...] = tuple(oids)
        self.format: int = int(not text and BINARY.issuperset(self.oids))
        self._width = len(self.oids)
        self._make = row_maker(names)
        self._has_numeric = bool(self.format) and not _NUMERIC.isdisjoint(self.oids)
        self._transformer = self._with(FAST if self.format else TEXT)
        self._exact: abc.Transformer | None = None

    def decode(
        self, result: PGresult, start: int = 0, stop: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows from ``start`` to ``stop`` of a result with these columns."""
        transformer = self._transformer

        # Loaders that are too few would be looked for behind the last.
        if result.nfields != self._width:
            msg = f"the result has {result.nfields} columns, {self._width} were described"
            raise OperationError(msg)

        if self._has_numeric and DefaultContext.prec != _USUAL:
            return self._decode_exactly(result, start, stop)

        try:
            transformer.set_pgresult(result, set_loaders=False)
            return transformer.load_rows(
                start, result.ntuples if stop is None else stop, self._make
            )
        except (DataError, ValueError, OverflowError):
            return self._decode_exactly(result, start, stop)
        finally:
            # It would keep the result until the next one.
            transformer.set_pgresult(None, set_loaders=False)

    def _decode_exactly(
        self, result: PGresult, start: int, stop: int | None
    ) -> list[dict[str, Any]]:
        """Return rows with values that the driver does not read."""
        if self._exact is None:
            self._exact = self._with(EXACT if self.format else TEXT)

        try:
            self._exact.set_pgresult(result, set_loaders=False)
            return self._exact.load_rows(
                start, result.ntuples if stop is None else stop, self._make
            )
        except (DataError, ValueError, OverflowError) as exc:
            msg = f"a value of the result cannot be read: {type(exc).__name__}: {exc}"
            raise OperationError(msg) from exc
        finally:
            self._exact.set_pgresult(None, set_loaders=False)

    def _with(self, adapters: Any) -> abc.Transformer:
        transformer: abc.Transformer = Transformer(adapters)
        # psycopg 3.2 takes a list only.
        transformer.set_loader_types(list(self.oids), Format(self.format))
        return transformer
