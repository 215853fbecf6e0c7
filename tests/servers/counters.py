"""What a server counted: connections it took, those open now, and each command's calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import redis

__all__ = ["Counters", "Reading"]


@dataclass(frozen=True)
class Reading:
    """The counts of one moment, without the connection and the commands that read them.

    ``a - b`` is what happened between ``b`` and ``a``; ``open`` is then the difference too.
    """

    connections: int
    """Connections that were accepted since the server started."""

    open: int
    """Clients that are connected."""

    commands: Counter[str]
    """Name of the command, lower case, as ``client|setname``, to its calls."""

    def __sub__(self, other: Reading) -> Reading:
        return Reading(
            self.connections - other.connections,
            self.open - other.open,
            self.commands - other.commands,
        )


class Counters:
    """Reads the counts over a connection of its own, which a restart of the server ends."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
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

    def read(self) -> Reading:
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
        return Reading(info["total_connections_received"], len(self.clients()), commands)

    def clients(self) -> list[dict[str, str]]:
        """Return what the server knows of each other client: ``name``, ``resp``, ``flags``, …"""
        self._own["client|list"] += 1
        return [one for one in self._client.client_list() if int(one["id"]) != self._id]
