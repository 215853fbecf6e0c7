"""A log of a few lines that the delivery engine can work over, and that can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infrastructure.messaging._batches import BatchSize
from infrastructure.messaging._delivery import DeliveryEngine
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging._record import Partition, Record
from infrastructure.testing.clock import FakeClock

ZERO = Partition("t", 0)
ONE = Partition("t", 1)


class TinyLog:
    """Keeps records and positions; ``error`` is raised by what is asked while it is set."""

    def __init__(self) -> None:
        self.records: dict[Partition, list[Record]] = {}
        self.committed: dict[Partition, int] = {}
        self.dead: list[tuple[str, Record]] = []
        self.paused: set[Partition] = set()
        self.made: list[tuple[str, str]] = []
        self.error: Exception | None = None
        self.on_commit: Callable[[Mapping[Partition, int]], None] = lambda _: None

    async def append(self, topic: str, record: Record) -> None:
        self.check()
        self.dead.append((topic, record))

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        self.check()
        self.on_commit(offsets)
        self.committed.update(offsets)

    def pause(self, partition: Partition) -> None:
        self.paused.add(partition)

    def resume(self, partition: Partition) -> None:
        self.paused.discard(partition)

    async def ensure_topic(self, name: str, origin: str) -> None:
        self.check()
        self.made.append((name, origin))

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def add(
        self, payload: Any, key: str | None = None, partition: Partition = ZERO, **headers: str
    ) -> Record:
        """Store a record, as a broker would."""
        records = self.records.setdefault(partition, [])
        record = Record(partition, len(records), key, payload, headers or None, 0.0, None, 10)
        records.append(record)
        return record


class Bench:
    """An engine over a ``TinyLog``, with a clock of its own and a handler that obeys."""

    def __init__(self, **engine: Any) -> None:
        self.log = TinyLog()
        self.clock = FakeClock()
        self.handled: list[Any] = []
        self.engine = DeliveryEngine(
            self.log, group="g", owner="bench", clock=self.clock, jitter=lambda: 0.0, **engine
        )

    async def subscribe(
        self, handler: Any, *, batch: BatchSize | None = None, **options: Any
    ) -> None:
        options = {"backoff": (1.0, 600.0), **options}
        made = DeliveryOptions(clock=self.clock, **options)
        await self.engine.prepare("t", made)
        self.engine.subscribe("t", handler, made, batch)

    async def handle(self, payload: Any) -> None:
        """The simplest handler."""
        self.handled.append(payload)

    def deliver(self, *payloads: Any, key: str | None = None, partition: Partition = ZERO) -> None:
        """Store records and hand them to the engine."""
        records = [self.log.add(payload, key, partition) for payload in payloads]
        self.engine.deliver(partition, records)

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        await self.clock.advance(0)
