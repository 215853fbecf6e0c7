"""Where a PostgreSQL answers, and what tests ask of it; somebody else may have started it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import psycopg
from psycopg import sql

from infrastructure.testing.postgres import PostgresCounters

__all__ = ["PostgresEndpoint"]

Way = Literal["auto", "copy", "values"]

_PASSWORD = "l0velace"  # noqa: S105 - of roles that live as long as a test


class PostgresEndpoint:
    """The database at ``url``, such as ``postgresql://user:password@host:port/name?option=…``."""

    storage_options: Mapping[str, object] = {}
    """Options of a storage that the server needs, as some cannot do everything."""

    bulk: Sequence[Way] = ("auto", "values", "copy")
    """The ways of many rows that the server knows."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self.host = parts.hostname or "localhost"
        self.port = parts.port or 5432
        self.user = unquote(parts.username or "postgres")
        self.password = unquote(parts.password) if parts.password else None
        self.name = unquote(parts.path[1:]) or self.user
        self._query = dict(parse_qsl(parts.query))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} on {self.host}:{self.port}>"

    def address(
        self,
        *,
        user: str | None = None,
        password: str | None = None,
        name: str | None = None,
        **query: str,
    ) -> str:
        """Return its URL with something else in it; another user comes with his own password."""
        account = quote(user or self.user, safe="")
        known = self.password if user is None and password is None else password
        secret = f":{quote(known, safe='')}" if known else ""
        options = urlencode(self._query | query, quote_via=quote)
        place = f"{self.host}:{self.port}/{quote(name or self.name, safe='')}"
        return f"postgresql://{account}{secret}@{place}{'?' if options else ''}{options}"

    def moved(self, host: str, port: int) -> str:
        """Return the URL of the same database by way of somebody else, who has no TLS."""
        account = self.address().removeprefix("postgresql://").rpartition("@")[0]
        return f"postgresql://{account}@{host}:{port}/{quote(self.name, safe='')}"

    def control(self, **options: Any) -> psycopg.Connection[Any]:
        """Return a blocking connection that commits by itself, to be used in a ``with`` block."""
        # No test waits long for a frozen server, and behind PgBouncer nothing may be prepared.
        usual = {"autocommit": True, "connect_timeout": 5, "prepare_threshold": None}
        return psycopg.connect(self.url, **{**usual, **options})

    def counters(self) -> PostgresCounters:
        """Return what the server knows of its clients, to be used in a ``with`` block."""
        return PostgresCounters(self.url)

    def ask(self, query: str) -> Any:
        """Return the first value of an answer, ``None`` where it has no row."""
        with self.control() as control:
            row = control.execute(sql.SQL(query)).fetchone()
            return row[0] if row else None

    @contextmanager
    def database(self) -> Iterator[PostgresEndpoint]:
        """Give a new and empty database of this server, for as long as the block lasts."""
        name = f"test_{secrets.token_hex(6)}"

        with self.control() as control:
            # Nobody wants it back after a crash: five times as fast as when the disk has it.
            control.execute("SET synchronous_commit = off")
            control.execute(_text("CREATE DATABASE {} TEMPLATE template0", name))

            try:
                yield PostgresEndpoint(self.address(name=name))
            finally:
                control.execute(_text("DROP DATABASE {} WITH (FORCE)", name))

    @contextmanager
    def role(self, options: str = "", *, password: str = _PASSWORD) -> Iterator[PostgresEndpoint]:
        """Give a new role that may log in, and whatever ``options`` say, such as ``CREATEDB``.

        Without them it may do what PUBLIC may: no table of anybody's, no schema to create in.
        """
        name = f"role_{secrets.token_hex(6)}"
        made = f"CREATE ROLE {{}} LOGIN {options} PASSWORD {{}}"

        with self.control() as control:
            control.execute(_text(made, name, password))

            try:
                yield PostgresEndpoint(self.address(user=name, password=password))
            finally:
                control.execute(_text("DROP OWNED BY {}", name))
                control.execute(_text("DROP ROLE {}", name))


def _text(text: str, name: str, *values: str) -> sql.Composed:
    """Return a statement with an identifier and literals in it: none of these takes parameters."""
    template = sql.SQL(text)
    return template.format(sql.Identifier(name), *map(sql.Literal, values))
