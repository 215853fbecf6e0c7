"""Moves slots of a Cluster from node to node, as its own tool does, but step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from redis.crc import key_slot

from ...servers.cluster import RedisCluster
from ...servers.server import RedisServer

__all__ = ["Move", "moving"]


class Move:
    """The slot of ``key`` on its way from ``source`` to ``target``."""

    def __init__(
        self, cluster: RedisCluster, slot: int, source: RedisServer, target: RedisServer
    ) -> None:
        self.slot = slot
        self._cluster = cluster
        self._source, self._target = source, target

    async def begin(self) -> None:
        """Let the target import the slot: from now on the source answers ASK for what is gone."""
        async with self._source.client() as source, self._target.client() as target:
            giver, taker = await _name(source), await _name(target)
            await target.execute_command("CLUSTER", "SETSLOT", self.slot, "IMPORTING", giver)
            await source.execute_command("CLUSTER", "SETSLOT", self.slot, "MIGRATING", taker)

    async def migrate(self, *names: str) -> None:
        """Bring these keys over, or all that are there."""
        # Some names are no text: leases.
        async with self._source.client(decode_responses=False) as source:
            found = names or await source.execute_command(
                "CLUSTER", "GETKEYSINSLOT", self.slot, 100_000
            )

            for name in found:
                where = (self._target.host, self._target.port, name, 0, 5000)
                await source.execute_command("MIGRATE", *where)

    async def end(self) -> None:
        """Give the slot to the target, whatever is still on the source goes too."""
        await self.migrate()

        async with self._target.client() as target:
            taker = await _name(target)

        for node in (self._target, self._source, *self._cluster.primaries()):
            async with node.client() as one:
                await one.execute_command("CLUSTER", "SETSLOT", self.slot, "NODE", taker)

    def back(self) -> Move:
        """Return the way back."""
        return Move(self._cluster, self.slot, self._target, self._source)


@asynccontextmanager
async def moving(cluster: RedisCluster, key: str) -> AsyncIterator[Move]:
    """Give the move of a key's slot; after the block it is where it was, for other tests."""
    source = cluster.primary_of(key)
    target = next(node for node in cluster.primaries() if node is not source)
    move = Move(cluster, key_slot(key.encode()), source, target)

    try:
        yield move
    finally:
        await move.end()
        back = move.back()
        await back.begin()
        await back.end()


async def _name(client: redis.asyncio.Redis) -> str:
    return str(await client.execute_command("CLUSTER", "MYID"))
