"""Three Kafka brokers of our own: a message has three copies, and two of them suffice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kafka_endpoint import KafkaEndpoint, new_id
from .kafka_server import KafkaMember, KafkaServer
from .ports import free_port
from .running import Running, at_once, living
from .waiting import until

__all__ = ["KafkaCluster"]


class KafkaCluster(Running, KafkaEndpoint):
    """Runs ``brokers`` of them, each a controller too: most of them have to be there.

    ``options``  lines of their settings, beside the usual ones.
    """

    def __init__(self, options: Mapping[str, object] | None = None, *, brokers: int = 3) -> None:
        controllers = {number: free_port() for number in range(1, brokers + 1)}
        cluster = new_id()
        self.nodes = [
            KafkaServer(options, member=KafkaMember(number, controllers, cluster))
            for number in controllers
        ]
        super().__init__(",".join(node.bootstrap for node in self.nodes))

    def __repr__(self) -> str:
        return f"<KafkaCluster of {self.nodes!r}>"

    def leader_of(self, topic: str, partition: int = 0) -> KafkaServer:
        """Return the living broker that takes the partition's messages, as one of them sees it."""
        for node in living(self.nodes):
            known = node.admin().list_topics(topic, timeout=5).topics[topic].partitions

            if partition in known and (leader := known[partition].leader) >= 0:
                return self.nodes[leader - 1]

        msg = f"nobody leads partition {partition} of {topic}"
        raise LookupError(msg)

    async def start(self) -> None:
        """Start those that do not run, all at once, thaw the frozen, and return when all work."""
        for node in self.nodes:
            if node.is_frozen:
                node.thaw()

        await at_once(node.start() for node in self.nodes if not node.is_running)
        await self.settle()

    async def settle(self, within: float = 30.0) -> None:
        """Return when the living brokers know of each other alone and have all copies, and groups work."""
        alive = living(self.nodes)
        numbers = {node.member.number for node in alive}
        await until(lambda: all(_is_settled(node, numbers) for node in alive), within)
        await self.open_groups()

    async def close(self) -> None:
        """End all and remove their folders."""
        for node in self.nodes:
            node.kill()

        for node in self.nodes:
            await node.close()

    async def _know(self, topic: str, partitions: int) -> None:
        """Ask each: a client may come to any of them."""
        for node in living(self.nodes):
            await node._know(topic, partitions)

    @property
    def control_options(self) -> dict[str, Any]:
        """The options of a client that comes by the living brokers' own doors."""
        doors = (node.control_options["bootstrap.servers"] for node in living(self.nodes))
        return {"bootstrap.servers": ",".join(doors)}


def _is_settled(node: KafkaServer, numbers: set[int]) -> bool:
    """Whether it sees these brokers, and that they have all that they should have a copy of."""
    told = node.admin().list_topics(timeout=5)
    partitions = [part for topic in told.topics.values() for part in topic.partitions.values()]
    return set(told.brokers) == numbers and all(
        part.leader in numbers and set(part.isrs) == numbers & set(part.replicas)
        for part in partitions
    )
