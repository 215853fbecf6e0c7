"""Whether a proxy can stand before a broker: its clients go where it says, not where they came from."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import cache
from typing import Final

from ..._core.urls import parse_url
from ...interfaces import InfrastructureError
from ...messaging.kafka import KafkaMessaging
from ...messaging.kafka._brokers import advertised

__all__ = ["Way", "way_to"]

_NO_WAY: Final = (
    "no proxy can stand before the broker: a client goes where it says (advertised.listeners); to try "
    "them, let it have a listener that advertises a free port of 127.0.0.1, and name that listener"
)
_HERE: Final = ("127.0.0.1", "localhost")
_PORT: Final = 9092
_PATIENCE: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """``port``: where a proxy has to listen to lead to ``target``; 0, and a ``hindrance``: none can."""

    target: tuple[str, int] = ("", 0)
    port: int = 0
    hindrance: str = ""


@cache
def way_to(url: str) -> Way:
    """Return what the broker tells those who come by ``url``; it is asked once."""
    hosts = parse_url(url).hosts

    if len(hosts) != 1:
        return Way(hindrance=f"the URL names {len(hosts)} brokers; {_NO_WAY}")

    host, port = hosts[0]
    target = (host or "localhost", port or _PORT)

    try:
        told = sorted(advertised(KafkaMessaging(url)._settings, _PATIENCE))
    except InfrastructureError as exc:
        # Whoever makes a messaging of it is told.
        return Way(hindrance=f"the URL is none: {exc}")

    if not told:
        return Way(hindrance=f"no broker has said where it is within {_PATIENCE:g} s")

    name, _, number = told[0].rpartition(":")

    if len(told) != 1 or name not in _HERE or int(number) == target[1]:
        return Way(hindrance=f"its clients are sent to {', '.join(told)}; {_NO_WAY}")

    if not _is_free(int(number)):
        return Way(hindrance=f"somebody listens at port {number} already; {_NO_WAY}")

    return Way(target=target, port=int(number))


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        try:
            sock.bind((_HERE[0], port))
        except OSError:
            return False

    return True
