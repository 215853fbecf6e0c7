"""Where the servers of a PostgreSQL URL are, and as whom to speak to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

from psycopg.pq import Conninfo

from ..._core.secrets import Secret
from ..._core.urls import Url
from ...interfaces.exceptions import ConfigurationError
from ._checks import check_text

__all__ = ["FORMS", "Address", "read_address"]

FORMS = (
    "postgresql://user:password@host:5432/database, postgresql://h1:5432,h2:5432/database, "
    "postgresql:///database?host=/run/postgresql (a Unix socket)"
)
"""What a URL may look like, for the texts of errors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """The servers of a URL; what is ``None`` is left to libpq, its environment and ``~/.pgpass``.

    ``hosts``  names or addresses with their ports, a path where it is a folder of sockets.
    ``where``  all of it but user and password, for texts.
    """

    hosts: tuple[tuple[str, int], ...]
    database: str | None = None
    user: str | None = None
    password: Secret | None = None
    where: str


def read_address(url: Url) -> Address:
    """Return what the URL says of its servers; ``ConfigurationError`` where that makes no sense."""
    if url.scheme not in {"postgresql", "postgres"}:
        msg = f"there is no PostgreSQL at {url.scheme}://; its URLs are {FORMS}"
        raise ConfigurationError(msg)

    password = None if url.password is None else check_text("the password", url.password.reveal())
    hosts = _hosts(url)
    return Address(
        hosts=hosts,
        database=check_text("the database", url.path) or None,
        user=None if url.user is None else check_text("the user", url.user),
        password=None if password is None else Secret(password),
        where=_where(hosts, url.path),
    )


def _hosts(url: Url) -> tuple[tuple[str, int], ...]:
    known = _environment()
    usual = _port(url.options.get("port") or known.get("port") or "5432")
    named = [(unquote(name), port) for name, port in url.hosts] or _unnamed(url.options, known)
    hosts = tuple((check_text("the host", name), port or usual) for name, port in named)

    if url.hosts and ("host" in url.options or "port" in url.options):
        _refuse("host= and port= are for one that names no host before its database")

    if any("," in name for name, _ in hosts):
        _refuse("a host has no comma in its name")

    return tuple((name or "localhost", port) for name, port in hosts)


def _unnamed(options: Mapping[str, str], known: Mapping[str, str]) -> list[tuple[str, None]]:
    folder = options.get("host")

    if folder is None:
        return [(name, None) for name in known.get("host", "localhost").split(",")]

    if not folder.startswith("/"):
        _refuse("host= is the folder of a Unix socket; a host's name stands before the database")

    return [(folder, None)]


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        _refuse(f"the port {text!r:.40}, there or in PGPORT, is no number of 1 to 65535")

    return int(text)


def _environment() -> Mapping[str, str]:
    """Return what PGHOST and PGPORT, or the service file, say: libpq looks no names up here."""
    found = {each.keyword: each.val for each in Conninfo.get_defaults()}
    return {
        name: value.decode(errors="replace")
        for name in ("host", "port")
        if (value := found.get(name.encode()))
    }


def _where(hosts: tuple[tuple[str, int], ...], database: str) -> str:
    if hosts[0][0].startswith("/"):
        return f"postgresql:///{database}?host={hosts[0][0]}&port={hosts[0][1]}"

    shown = (f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name, port in hosts)
    return f"postgresql://{','.join(shown)}/{database}"


def _refuse(why: str) -> NoReturn:
    msg = f"the URL of a PostgreSQL storage: {why}; the forms are {FORMS}"
    raise ConfigurationError(msg)
