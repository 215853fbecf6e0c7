"""From the hosts of a URL to addresses, so that libpq looks up no name: it would hold the loop."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from ...interfaces.exceptions import ConfigurationError, ConnectionError
from ._settings import Options

__all__ = ["Spot", "resolve"]


@dataclass(frozen=True, slots=True)
class Spot:
    """One address of a host; none where the host is a folder of Unix sockets."""

    host: str
    address: str
    port: int


async def resolve(options: Options) -> list[Spot]:
    """Return all addresses of all hosts in order; a host that has none is left out, not the last."""
    spots: list[Spot] = []
    failure: OSError | None = None

    for host, port in options.address.hosts:
        try:
            spots += [Spot(host, address, port) for address in await _addresses(host, port)]
        except socket.gaierror as exc:
            failure = exc
        except UnicodeError as exc:
            msg = f"connect to {options.where}: {host!r:.80} cannot be a host's name"
            raise ConfigurationError(msg, operation="connect") from exc

    if not spots:
        names = ", ".join(dict.fromkeys(host for host, _ in options.address.hosts))
        msg = (
            f"connect to {options.where}: no address was found for {names}: {failure}; "
            "look at the host of the URL"
        )
        raise ConnectionError(msg, outcome="not_applied", operation="connect") from failure

    return spots


async def _addresses(host: str, port: int) -> Sequence[str]:
    if host.startswith("/"):
        return ("",)

    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    else:
        return (host,)

    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))
