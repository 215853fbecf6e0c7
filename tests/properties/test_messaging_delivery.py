"""Whatever fails and whichever partitions come and go: nothing is lost, every key keeps its order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from hypothesis import given, strategies as st

from infrastructure.interfaces import ConnectionError
from infrastructure.messaging._batches import BatchSize
from infrastructure.messaging._record import Partition

from ..unit.messaging.tiny_log import ONE, ZERO, Bench

KEYS = (None, "a", "b", "c")
PARTITION_OF = {None: ZERO, "a": ZERO, "b": ONE, "c": ZERO}

FAILURES = st.sampled_from(
    ["fine", "fine", "fine", "once", "always", "outage", "cancelled", "slow"]
)
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(KEYS), FAILURES),
    st.tuples(st.sampled_from(["revoke", "lose", "assign"]), st.sampled_from([ZERO, ONE])),
    st.tuples(st.just("advance"), st.sampled_from([0.0, 0.1, 0.5, 3.0])),
    st.tuples(st.sampled_from(["break", "mend"])),
)


class World(Bench):
    """An engine, and what is true of every message that went through it."""

    def __init__(self) -> None:
        super().__init__(grace=1.0)
        self.log.on_commit = self.check_commit
        self.owned: set[Partition] = set()
        self.epoch: dict[Partition, int] = defaultdict(int)
        # By key and epoch of its partition: the offsets as they were finished.
        self.order: dict[tuple[str, int], list[int]] = defaultdict(list)
        self.finished: set[tuple[Partition, int]] = set()
        self.running: set[str] = set()
        self.calls: dict[str, int] = defaultdict(int)
        # Raised inside a handler or the log it would be one of their failures.
        self.wrong: list[str] = []

    async def handle_one(self, payload: tuple[str, int, str]) -> None:
        key, offset, failure = payload
        partition = PARTITION_OF[key or None]
        epoch = self.epoch[partition]

        if key in self.running and key:
            self.wrong.append(f"{payload} runs beside its own key")

        self.running.add(key)
        self.calls[f"{partition}{offset}"] += 1

        try:
            await self.clock.sleep(0.7 if failure == "slow" else 0.0)
            self.fail(failure, self.calls[f"{partition}{offset}"])
        finally:
            self.running.discard(key)

        if epoch == self.epoch[partition]:
            self.order[key, epoch].append(offset)

        self.finished.add((partition, offset))

    def fail(self, failure: str, calls: int) -> None:
        if failure == "always" or (failure == "once" and calls == 1):
            raise ValueError(failure)

        if failure == "outage" and calls < 4:
            raise ConnectionError(failure)

        if failure == "cancelled" and calls == 1:
            raise asyncio.CancelledError

    async def handle_many(self, payloads: list[tuple[str, int, str]]) -> None:
        for payload in payloads:
            await self.handle_one(payload)

    def check_commit(self, offsets: Mapping[Partition, int]) -> None:
        dead = {(record.partition, record.offset) for _, record in self.log.dead}

        for partition, offset in offsets.items():
            unfinished = {(partition, below) for below in range(offset)} - self.finished - dead

            if unfinished or offset < self.log.committed.get(partition, 0):
                self.wrong.append(f"commit of {offset} with {unfinished} unfinished")

    async def step(self, name: str, *arguments: Any) -> None:
        await getattr(self, f"do_{name}")(*arguments)

    async def do_publish(self, key: str | None, failure: str) -> None:
        partition = PARTITION_OF[key]
        offset = len(self.log.records.get(partition, ()))
        record = self.log.add((key or "", offset, failure), key, partition)

        if partition in self.owned:
            self.engine.deliver(partition, [record])

    async def do_assign(self, partition: Partition) -> None:
        if partition in self.owned:
            return

        self.owned.add(partition)
        self.epoch[partition] += 1
        self.engine.assigned([partition])
        start = self.log.committed.get(partition, 0)
        self.engine.deliver(partition, self.log.records.get(partition, [])[start:])

    async def do_revoke(self, partition: Partition) -> None:
        if partition in self.owned:
            self.owned.discard(partition)
            revoking = asyncio.create_task(self.engine.revoked([partition]))
            await self.clock.advance(3)
            await revoking

    async def do_lose(self, partition: Partition) -> None:
        if partition in self.owned:
            self.owned.discard(partition)
            self.engine.lost([partition])
            await self.clock.advance(0)

    async def do_advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def do_break(self) -> None:
        self.log.error = ConnectionError("the broker is down")

    async def do_mend(self) -> None:
        self.log.error = None

    async def check_end(self) -> None:
        """Mend everything, give it time, and look for what is missing."""
        await self.do_mend()

        for partition in (ZERO, ONE):
            await self.do_assign(partition)

        await self.clock.advance(1000)

        assert not self.wrong, self.wrong
        dead = {(record.partition, record.offset) for _, record in self.log.dead}
        everything = {
            (record.partition, record.offset)
            for records in self.log.records.values()
            for record in records
        }
        assert everything == self.finished | dead, f"lost: {everything - self.finished - dead}"

        for partition, records in self.log.records.items():
            assert self.log.committed.get(partition) == len(records), "not all was committed"

        for (key, _), offsets in self.order.items():
            # A batch that failed has handled its first messages, and does so again.
            first = list(dict.fromkeys(offsets))
            assert not key or first == sorted(first), f"key {key} was handled as {offsets}"


@given(st.lists(STEPS, max_size=40), st.sampled_from([1, 2, 16]))
def test_single_messages(steps: list[tuple[Any, ...]], lanes: int) -> None:
    """Handlers of single messages."""

    async def run() -> None:
        world = World()
        await world.subscribe(world.handle_one, lanes=lanes, backoff=(0.1, 2.0))

        for step in steps:
            await world.step(*step)

        await world.check_end()
        world.engine.close()

    asyncio.run(run())


@given(st.lists(STEPS, max_size=40), st.integers(1, 5))
def test_batches(steps: list[tuple[Any, ...]], size: int) -> None:
    """Handlers of batches."""

    async def run() -> None:
        world = World()
        batch = BatchSize(size, 0.3)
        await world.subscribe(world.handle_many, batch=batch, lanes=2, backoff=(0.1, 2.0))

        for step in steps:
            await world.step(*step)

        await world.check_end()
        world.engine.close()

    asyncio.run(run())
