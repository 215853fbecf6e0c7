"""What asks a real PostgreSQL for values, by the codecs of the storage and nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import pq

from infrastructure.storage.postgres.values import Parameters, Rows

__all__ = ["Refused", "Session"]


class Refused(Exception):
    """The server's error, by its code."""


class Session:
    """A connection; every statement is described first, as the storage does it."""

    def __init__(self, url: str) -> None:
        self._pgconn = pq.PGconn.connect(url.encode())
        assert self._pgconn.status == pq.ConnStatus.OK, self._pgconn.error_message
        self.run("SET timezone = 'UTC'")

    def close(self) -> None:
        self._pgconn.finish()

    def run(
        self,
        sql: str,
        params: Sequence[Any] = (),
        types: Sequence[int] = (),
        *,
        text: bool = False,
    ) -> list[dict[str, Any]]:
        """Run one statement and return its rows; ``text``: asked for in the text format."""
        self._done(self._pgconn.prepare(b"", sql.encode(), list(types)))
        described = self._done(self._pgconn.describe_prepared(b""))
        oids = [described.param_type(number) for number in range(described.nparams)]
        values, formats = Parameters(oids).encode(params)
        names = [(described.fname(n) or b"").decode() for n in range(described.nfields)]
        rows = Rows(names, [described.ftype(n) for n in range(described.nfields)], text=text)
        result = self._done(self._pgconn.exec_prepared(b"", values, formats, rows.format))
        return rows.decode(result) if names else []

    def one(self, sql: str, *params: Any, text: bool = False) -> Any:
        """Return the one value of a statement's one row."""
        (row,) = self.run(sql, params, text=text)
        (value,) = row.values()
        return value

    def _done(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
            raise Refused(state.decode())

        return result
