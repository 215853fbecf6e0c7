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
    folder = url.options.get("host")

    if folder is None:
        given = tuple((unquote(name), port) for name, port in url.hosts)
    elif not url.hosts and folder.startswith("/"):
        given = ((folder, None),)
    else:
        _refuse("host= is the folder of a Unix socket, in a URL that names no other host")

    known = _environment()
    port = known.get("port", "")
    given = given or tuple((name, None) for name in known.get("host", "localhost").split(","))
    usual = int(port) if port.isascii() and port.isdigit() else 5432
    return tuple((_host(name), number or usual) for name, number in given)


def _host(name: str) -> str:
    if "," in name:
        _refuse("a host has no comma in its name")

    return check_text("the host", name) or "localhost"


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
        return f"postgresql:///{database}?host={hosts[0][0]}"

    shown = (f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name, port in hosts)
    return f"postgresql://{','.join(shown)}/{database}"


def _refuse(why: str) -> NoReturn:
    msg = f"the URL of a PostgreSQL storage: {why}; the forms are {FORMS}"
    raise ConfigurationError(msg)
