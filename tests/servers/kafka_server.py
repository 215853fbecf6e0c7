"""One Kafka broker of our own, which is its own controller: its address, its process."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from infrastructure.testing import ServerProcess, accepts

from . import janitor
from .certificates import Certificates
from .kafka_endpoint import KafkaEndpoint, new_id
from .kafka_program import FORMATTED, command, format_folder, installed
from .kafka_security import Sasl, client_options, listener_options, protocol
from .kafka_settings import lines, settings
from .ports import HOST, free_port
from .running import OneProcess

__all__ = ["KafkaMember", "KafkaServer"]

# Seconds: after a crash it reads its log again, and three of them share the machine's cores.
_STARTING = 60.0
_STOPPING = 15.0


@dataclass(frozen=True)
class KafkaMember:
    """Which broker of a cluster one is, and at which ports of this machine its controllers are."""

    number: int = 1
    controllers: Mapping[int, int] = field(default_factory=lambda: {1: free_port()})
    cluster: str = field(default_factory=new_id)


class KafkaServer(OneProcess, KafkaEndpoint):
    """Runs a broker on free ports, in a folder of its own that ``close`` removes.

    ``options``       lines of its settings, beside the usual ones.
    ``sasl``          who has to show a password, and how; else nobody has to.
    ``certificates``  its clients come by TLS alone; with mutual ones it asks for theirs, too.
    ``proxy``         a port of this machine where a proxy stands, to lead to ``proxied_port``: who
                      came by it is told that port for every later connection.
    ``member``        which one of a cluster it is.

    The clients of ``admin`` come by a door of their own, where none of this holds.
    """

    def __init__(
        self,
        options: Mapping[str, object] | None = None,
        *,
        sasl: Sasl | None = None,
        certificates: Certificates | None = None,
        proxy: int | None = None,
        member: KafkaMember | None = None,
    ) -> None:
        # Before there is anything to remove: Java may be missing.
        home = installed()
        self.host, self.port = HOST, free_port()
        self.proxy = proxy
        self.proxied_port = free_port() if proxy else None
        self.member = member or KafkaMember()
        self.certificates = certificates
        self.sasl = sasl
        super().__init__(
            f"{HOST}:{self.port}",
            scheme="kafka+ssl" if certificates else "kafka",
            account=sasl.account if sasl else None,
            secure=client_options(sasl, certificates),
        )
        self._internal = free_port()
        self._folder = janitor.folder("kafka-")
        self.folder = Path(self._folder.name)
        self._data = self.folder / "data"
        self._file = self.folder / "server.properties"
        self._options = self._settings(proxy) | dict(options or {})
        self.process = ServerProcess(
            command(self.folder, "kafka.Kafka", str(self._file)),
            ready=self._is_ready,
            log=self.folder / "server.log",
            folder=home,
        )

    @property
    def control_options(self) -> dict[str, Any]:
        """The options of a client that comes by the brokers' own door."""
        return {"bootstrap.servers": f"{HOST}:{self._internal}"}

    async def start(self) -> None:
        """Start it; the first time with no topic, after a crash with what it acknowledged."""
        if not self._data.exists():
            self._file.write_text(lines(self._options))
            self._format()

        await self.process.start(_STARTING)

        # In a cluster it may be the first.
        if len(self.member.controllers) == 1:
            await self.open_groups()

    async def stop(self) -> None:
        """Stop it, whoever is connected; ``start`` works again."""
        await self.process.stop(_STOPPING)

    async def close(self) -> None:
        """End it and remove its folder."""
        # What it would write down is removed.
        self.kill()
        self._folder.cleanup()

    def _settings(self, proxy: int | None) -> dict[str, object]:
        member = self.member
        ports = {
            "CLIENTS": self.port,
            **({"PROXIED": self.proxied_port} if self.proxied_port else {}),
            "INTERNAL": self._internal,
            "CONTROLLER": member.controllers[member.number],
        }
        guarded = listener_options(self.sasl, self.certificates)
        return guarded | settings(
            self._data,
            ports,
            controllers=member.controllers,
            number=member.number,
            protocol=protocol(self.sasl, self.certificates),
            proxy=proxy,
        )

    def _format(self) -> None:
        cluster = self.member.cluster

        if self.sasl is not None and self.sasl.formatting:
            format_folder(self._file, cluster, *self.sasl.formatting)
            return

        # As Kafka's tool does it, without the second that this takes.
        shutil.copytree(installed() / FORMATTED, self._data)
        told = {
            "version": 1,
            "cluster.id": cluster,
            "node.id": self.member.number,
            "directory.id": new_id(),
        }
        (self._data / "meta.properties").write_text(lines(told))

    async def _is_ready(self) -> bool:
        """Whether it is this broker that answers, and takes part in its cluster."""
        if not await accepts(self.host, self.port)():
            return False

        try:
            # Its types know no cluster that has a name.
            told: Any = self.admin().list_topics(timeout=2)
        except KafkaException:
            return False

        return told.cluster_id == self.member.cluster and self.member.number in told.brokers
