"""librdkafka's mock of a Kafka broker, which answers with errors that no real one has on demand."""

from __future__ import annotations

import itertools
import json
import socket
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError

from infrastructure.testing import ServerProcess

from . import janitor
from .kafka_endpoint import KafkaEndpoint
from .running import Running

__all__ = ["APIS", "KafkaMock", "KafkaMocks"]

APIS = {
    "Produce": 0,
    "Fetch": 1,
    "ListOffsets": 2,
    "Metadata": 3,
    "OffsetCommit": 8,
    "OffsetFetch": 9,
    "FindCoordinator": 10,
    "JoinGroup": 11,
    "Heartbeat": 12,
    "LeaveGroup": 13,
    "SyncGroup": 14,
    "InitProducerId": 22,
}
"""The numbers of requests in Kafka's protocol."""

_PATIENCE = 10.0
_SCRIPT = Path(__file__).with_name("mocking.py")


class KafkaMock(KafkaEndpoint):
    """One broker of its own: errors are told by the names that they have in ``KafkaError``.

    It does what a producer and members of a group need, and makes topics when somebody asks for them;
    it neither makes nor removes any by request.
    """

    def __init__(self, mocks: KafkaMocks, number: int) -> None:
        self._mocks, self._number = mocks, number
        bootstrap = self._call("bootstrap")
        super().__init__(bootstrap)
        self.host, _, port = bootstrap.rpartition(":")
        self.port = int(port)

    def _call(self, method: str, *arguments: Any) -> Any:
        return self._mocks.call(self._number, method, *arguments)

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic."""
        self._call("create", topic, partitions)

    def refuse(self, topic: str, error: str | None) -> None:
        """Tell whoever asks for the topic this error, until it is ``None``."""
        self._call("refuse", topic, _code(error) if error else 0)

    def answer(self, api: str, error: str, times: int = 1, *, after: int = 0) -> None:
        """Answer the next ``times`` requests of a kind with an error, ``after`` so many without."""
        self._call("push", APIS[api], [0] * after + [_code(error)] * times)

    def heal(self) -> None:
        """Answer all requests as usual from now on."""
        for number in APIS.values():
            self._call("clear", number)

    def asked(self, api: str) -> int:
        """Return how many requests of a kind there were."""
        requests: list[int] = self._call("requests")
        return requests.count(APIS[api])

    def close(self) -> None:
        """End it."""
        self._call("close")


class KafkaMocks(Running):
    """The process that has them: nothing of theirs is among the threads and files of the tests."""

    def __init__(self) -> None:
        self._folder = janitor.folder("mocks-")
        folder = Path(self._folder.name)
        self._socket = str(folder / "calls")
        self._numbers = itertools.count()
        self.process = ServerProcess(
            [sys.executable, str(_SCRIPT), self._socket],
            ready=self._is_ready,
            log=folder / "server.log",
            folder=folder,
        )

    async def start(self) -> None:
        """Start it."""
        await self.process.start()

    async def close(self) -> None:
        """End it and remove its folder."""
        self.process.kill()
        self._folder.cleanup()

    @contextmanager
    def broker(self, topics: Collection[str] = ()) -> Iterator[KafkaMock]:
        """Give a broker with these topics, of one partition each."""
        mock = KafkaMock(self, next(self._numbers))

        try:
            for topic in topics:
                mock.create(topic)

            yield mock
        finally:
            mock.close()

    def call(self, number: int, method: str, *arguments: Any) -> Any:
        """Return what a method of a cluster returns."""
        with self._connected() as sock:
            sock.sendall(json.dumps([number, method, *arguments]).encode() + b"\n")

            with sock.makefile("rb") as answer:
                return json.loads(answer.read())

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(_PATIENCE)
            sock.connect(self._socket)
            yield sock

    async def _is_ready(self) -> bool:
        with self._connected():
            return True


def _code(error: str) -> int:
    return int(getattr(KafkaError, error))
