"""Where the servers of a Redis URL are, and as whom to speak to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from ..._core.secrets import Secret
from ..._core.urls import Url
from ...interfaces.exceptions import ConfigurationError

__all__ = ["FORMS", "Address", "Topology", "read_address"]

Topology = Literal["single", "cluster", "sentinel"]

FORMS = (
    "redis://user:password@host:6379/0, rediss://… (TLS), unix:///path/to.sock?db=0, "
    "redis+cluster://h1:6379,h2:6379, redis+sentinel://h1:26379,h2:26379/service/0 "
    "(both also as rediss+…)"
)
"""What a URL may look like, for the texts of errors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """The servers of a URL.

    ``hosts``     the server, or those of which one tells the rest; empty with ``path``.
    ``path``      of the socket of ``unix://``.
    ``service``   the name by which the sentinels know the primary.
    ``where``     all of it but user and password, for texts.
    """

    topology: Topology
    hosts: tuple[tuple[str, int], ...] = ()
    path: str | None = None
    service: str | None = None
    database: int = 0
    tls: bool = False
    user: str | None = None
    password: Secret | None = None
    where: str


def read_address(url: Url) -> Address:
    """Return what the URL says of its servers; ``ConfigurationError`` where that makes no sense."""
    read = _READERS.get(url.scheme)

    if read is None:
        msg = f"there is no Redis at {url.scheme}://; its URLs are {FORMS}"
        raise ConfigurationError(msg)

    return read(url)


def _single(url: Url) -> Address:
    shown = _shown(url)

    if len(url.hosts) > 1:
        _refuse(shown, "names several hosts; say redis+cluster:// or redis+sentinel://")

    database = _database(url.path, shown)
    return _address(url, "single", 6379, f"/{database}", database=database)


def _unix(url: Url) -> Address:
    if url.hosts or not url.path:
        _refuse("unix://", "takes the absolute path of a socket after three slashes")

    path = "/" + url.path
    database = _database(url.options.get("db", ""), f"unix://{path}")
    return Address(
        topology="single",
        path=path,
        database=database,
        user=url.user,
        password=url.password,
        where=f"unix://{path}?db={database}",
    )


def _cluster(url: Url) -> Address:
    if _database(url.path, _shown(url)):
        _refuse(_shown(url), f"has the database {int(url.path)}; a Cluster has only 0")

    return _address(url, "cluster", 6379, "")


def _sentinel(url: Url) -> Address:
    shown = _shown(url)
    service, _, number = url.path.partition("/")

    if not service:
        _refuse(shown, "lacks the service that the sentinels watch: …:26379/service or /service/0")

    database = _database(number, shown)
    rest = f"/{service}/{database}"
    return _address(url, "sentinel", 26379, rest, database=database, service=service)


_READERS: Mapping[str, Callable[[Url], Address]] = {
    "redis": _single,
    "rediss": _single,
    "unix": _unix,
    "redis+cluster": _cluster,
    "rediss+cluster": _cluster,
    "redis+sentinel": _sentinel,
    "rediss+sentinel": _sentinel,
}


def _address(
    url: Url,
    topology: Topology,
    port: int,
    rest: str,
    *,
    database: int = 0,
    service: str | None = None,
) -> Address:
    hosts = tuple((name or "localhost", number or port) for name, number in url.hosts)
    hosts = hosts or (("localhost", port),)
    return Address(
        topology=topology,
        hosts=hosts,
        service=service,
        database=database,
        tls=url.scheme.startswith("rediss"),
        user=url.user,
        password=url.password,
        where=f"{url.scheme}://{','.join(_host(*each) for each in hosts)}{rest}",
    )


def _host(name: str, port: int | None) -> str:
    name = f"[{name}]" if ":" in name else name
    return name if port is None else f"{name}:{port}"


def _shown(url: Url) -> str:
    return f"{url.scheme}://{','.join(_host(*each) for each in url.hosts)}"


def _database(text: str, shown: str) -> int:
    if not text:
        return 0

    if not text.isascii() or not text.isdigit() or len(text) > 9:
        _refuse(shown, f"has the database {text!r:.40}, which is no number from 0 on")

    return int(text)


def _refuse(shown: str, why: str) -> NoReturn:
    msg = f"the URL {shown} {why}; the forms are {FORMS}"
    raise ConfigurationError(msg)
