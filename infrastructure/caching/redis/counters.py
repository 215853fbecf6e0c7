"""What a server counted: connections it took, those open now, and each command's calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["RedisCounters", "RedisReading"]


@dataclass(frozen=True, slots=True)
class RedisReading:
    """The counts of one moment, without the connection and the commands that read them.

    ``a - b`` is what happened between ``b`` and ``a``; ``open`` is then the difference too.
    """

    connections: int
    """Connections that were accepted since the server started."""

    open: int
    """Clients that are connected."""

    commands: Counter[str]
    """Name of the command, lower case, as ``client|setname``, to its calls."""

    def __sub__(self, other: RedisReading) -> RedisReading:
        return RedisReading(
            self.connections - other.connections,
            self.open - other.open,
            self.commands - other.commands,
        )


class RedisCounters:
    """Reads the counts of the server at ``url``, blocking, to be used in a ``with`` block.

    ::

        with RedisCounters("redis://localhost:6379") as counters:
            before = counters.read()
            ...
            assert (counters.read() - before).connections == 0

    It has a connection of its own, which a restart of the server ends. ``options`` are those of
    ``redis.Redis.from_url``: a server with TLS may need ``ssl_ca_certs``.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._client = redis.Redis.from_url(
            url,
            decode_responses=True,
            protocol=2,
            single_connection_client=True,
            socket_timeout=5,
            # Read again, its own command would be counted twice.
            retry=Retry(NoBackoff(), 0),
            **options,
        )
        self._id = 0
        self._own: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._id = self._client.client_id()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def read(self) -> RedisReading:
        """Return the counts of now."""
        info = self._client.info("everything")
        commands = Counter(
            {
                name.removeprefix("cmdstat_"): stats["calls"]
                for name, stats in info.items()
                if name.startswith("cmdstat_")
            }
        )
        commands -= self._own
        self._own["info"] += 1
        return RedisReading(info["total_connections_received"], len(self.clients()), commands)

    def clients(self) -> list[dict[str, str]]:
        """Return what the server knows of each other client: ``name``, ``resp``, ``flags``, …"""
        self._own["client|list"] += 1
        return [one for one in self._client.client_list() if int(one["id"]) != self._id]
