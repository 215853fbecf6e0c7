"""The members of one group: who reads which partition, and how partitions change hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.tasks import Tasks
from .._record import Partition
from ._partition import PartitionLog
from ._topic import Topic

if TYPE_CHECKING:
    from ._member import Member

__all__ = ["Group"]


class Group:
    """Shares the partitions of each topic evenly among the members that subscribed to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._members: dict[str, list[Member]] = {}
        self._owners: dict[Partition, Member] = {}
        # On their way from an owner that still finishes, and which way each of them is on: it is
        # over when the owner leaves, who may come back and be given the partition anew.
        self._moving: dict[Partition, object] = {}
        # Instances that subscribed and did not unsubscribe, connected or not.
        self._interested: dict[str, set[object]] = {}
        self._tasks = Tasks(f"group {name}")

    def owner(self, partition: Partition) -> Member | None:
        """Return who reads ``partition``, or still finishes it."""
        return self._owners.get(partition)

    def join(self, topic: Topic, member: Member, instance: object) -> None:
        """Add a member; messages published from now on are kept for the group."""
        topic.add_group(self.name)
        self._interested.setdefault(topic.name, set()).add(instance)
        members = self._members.setdefault(topic.name, [])

        if member not in members:
            members.append(member)
            self._balance(topic)

    def leave(self, topic: Topic, member: Member) -> None:
        """Remove a member that has finished; others take over what it read."""
        members = self._members.get(topic.name, [])

        if member not in members:
            return

        members.remove(member)

        for log in topic.logs:
            if self._owners.get(log.partition) is member:
                member.release(log)
                del self._owners[log.partition]
                self._moving.pop(log.partition, None)

        self._balance(topic)

    def forget(self, topic: Topic, instance: object) -> None:
        """Note that an instance unsubscribed; after the last one, nothing is kept for the group."""
        interested = self._interested.get(topic.name, set())
        interested.discard(instance)

        if not interested:
            topic.remove_group(self.name)

    def drop_members(self) -> None:
        """Forget all members: their process or event loop is gone."""
        self._members.clear()
        self._owners.clear()
        self._moving.clear()

    def _balance(self, topic: Topic) -> None:
        members = self._members[topic.name]

        if not members:
            return

        loads: dict[Member, list[PartitionLog]] = {member: [] for member in members}
        free: list[PartitionLog] = []

        for log in topic.logs:
            owner = self._owners.get(log.partition)

            if owner is None:
                free.append(log)
            elif log.partition not in self._moving:
                loads[owner].append(log)

        for log in free:
            member = min(members, key=lambda each: len(loads[each]))
            loads[member].append(log)
            self._owners[log.partition] = member
            member.assign([log])

        self._even_out(topic, loads)

    def _even_out(self, topic: Topic, loads: dict[Member, list[PartitionLog]]) -> None:
        # Those that move already will be free soon, and go to who has least then.
        counts = {member: len(logs) for member, logs in loads.items()}

        for _ in self._moving.keys() & {log.partition for log in topic.logs}:
            counts[min(counts, key=counts.__getitem__)] += 1

        while True:
            most = max(counts, key=lambda member: len(loads[member]))
            least = min(counts, key=counts.__getitem__)

            if len(loads[most]) - counts[least] < 2:
                return

            log = loads[most].pop()
            counts[most] -= 1
            counts[least] += 1
            way = self._moving[log.partition] = object()
            self._tasks.start(self._move(topic, log, most, way), f"move {log.partition.topic}")

    async def _move(self, topic: Topic, log: PartitionLog, owner: Member, way: object) -> None:
        try:
            await owner.revoke(log)
        finally:
            if self._moving.get(log.partition) is way:
                del self._moving[log.partition]
                del self._owners[log.partition]
                self._balance(topic)
