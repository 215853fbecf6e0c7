"""A cluster of our own: three primaries with a replica each, from the same program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import redis
from redis.crc import key_slot

from .ports import free_port
from .program import Program
from .running import Running, at_once, living
from .server import RedisServer
from .waiting import until

__all__ = ["RedisCluster"]

_SLOTS = 16384


class RedisCluster(Running):
    """Runs ``primaries`` nodes with slots and as many replicas, which take over by themselves.

    ``node_timeout``  seconds of silence after which a node is taken for dead.
    """

    def __init__(
        self,
        program: Program,
        *,
        primaries: int = 3,
        node_timeout: float = 1.0,
        password: str | None = None,
    ) -> None:
        self._primaries = primaries
        self._buses = [free_port() for _ in range(2 * primaries)]
        self.nodes = [
            RedisServer(program, _options(bus, node_timeout), password=password)
            for bus in self._buses
        ]

    def __repr__(self) -> str:
        return f"<RedisCluster of {self.nodes!r}>"

    @property
    def url(self) -> str:
        """All nodes, as ``redis+cluster://``."""
        first, *others = (node.url.removeprefix("redis://") for node in self.nodes)
        return ",".join([f"redis+cluster://{first}", *(one.rpartition("@")[2] for one in others)])

    def primaries(self) -> list[RedisServer]:
        """Return the living nodes that are primaries now, a demoted one that does not know it too."""
        return [node for node in living(self.nodes) if _ask(node, "ROLE")[0] == "master"]

    def replicas(self) -> list[RedisServer]:
        """Return the living nodes that follow another one now."""
        return [node for node in living(self.nodes) if _ask(node, "ROLE")[0] == "slave"]

    def primary_of(self, key: str) -> RedisServer:
        """Return the node that has the slot of ``key``, as a living node sees it."""
        slot = key_slot(key.encode())
        [port] = {
            primary[1]
            for first, last, primary, *_ in _ask(living(self.nodes)[0], "CLUSTER SLOTS")
            if first <= slot <= last
        }
        return next(node for node in self.nodes if node.port == port)

    async def start(self) -> None:
        """Start all nodes at once, make them one cluster, and return when it works everywhere."""
        await at_once(node.start() for node in self.nodes)

        with self._controls() as controls:
            self._introduce(controls)
            names = {_tell(one, "CLUSTER MYID") for one in controls}
            await until(lambda: all(_known(one) == names for one in controls))
            self._divide(controls)
            await until(lambda: all(_sees_replicas(one) for one in controls))

        await self.settle()

    async def settle(self, within: float = 10.0) -> None:
        """Return when every living node finds the cluster whole, and every replica has its data."""
        await until(lambda: all(_is_settled(node) for node in living(self.nodes)), within)

    async def close(self) -> None:
        """Stop all nodes, at once."""
        await at_once(node.close() for node in self.nodes)

    @contextmanager
    def _controls(self) -> Iterator[list[redis.Redis]]:
        with ExitStack() as stack:
            yield [stack.enter_context(node.control()) for node in self.nodes]

    def _introduce(self, controls: list[redis.Redis]) -> None:
        """Make each node meet each other one: gossip would do it too, a second later."""
        # An epoch that is given need not be agreed on. Only who knows nobody takes one.
        for number, control in enumerate(controls, 1):
            _tell(control, "CLUSTER SET-CONFIG-EPOCH", number)

        for number, control in enumerate(controls, 1):
            for node, bus in zip(self.nodes[number:], self._buses[number:], strict=True):
                _tell(control, "CLUSTER MEET", node.host, node.port, bus)

    def _divide(self, controls: list[redis.Redis]) -> None:
        """Give the slots to the first half, in equal parts, and each a replica."""
        bounds = [_SLOTS * part // self._primaries for part in range(self._primaries + 1)]

        for part, control in enumerate(controls[: self._primaries]):
            _tell(control, "CLUSTER ADDSLOTSRANGE", bounds[part], bounds[part + 1] - 1)
            replica = controls[self._primaries + part]
            _tell(replica, "CLUSTER REPLICATE", _tell(control, "CLUSTER MYID"))


def _options(bus: int, node_timeout: float) -> dict[str, object]:
    return {
        "cluster-enabled": "yes",
        "cluster-port": bus,
        "cluster-node-timeout": round(node_timeout * 1000),
        # Who follows whom is the test's matter.
        "cluster-allow-replica-migration": "no",
        # A replica is listed once it has got something, and the first ping is something.
        "repl-ping-replica-period": 1,
        # However long a replica has not heard of its primary, it takes over.
        "cluster-replica-validity-factor": 0,
    }


def _ask(node: RedisServer, command: str) -> Any:
    with node.control() as control:
        # Not the parsed form, which is another one in each version of the client.
        control.response_callbacks.clear()
        return _tell(control, *command.split())


def _tell(control: redis.Redis, *command: object) -> Any:
    answer: Any = control.execute_command(*command)  # type: ignore[no-untyped-call]
    return answer


def _known(control: redis.Redis) -> set[str]:
    """Return the names of the nodes that this one knows; in a handshake they are made up."""
    return {node["node_id"] for node in control.cluster("nodes").values()}


def _sees_replicas(control: redis.Redis) -> bool:
    """Whether the node knows a replica of every slot."""
    control.response_callbacks.clear()
    ranges = _tell(control, "CLUSTER SLOTS")
    return bool(ranges) and all(len(entry) == 4 for entry in ranges)


def _is_settled(node: RedisServer) -> bool:
    with node.control() as control:
        replication: dict[str, str] = control.info("replication")
        return control.cluster("info")["cluster_state"] == "ok" and (
            replication["role"] == "master" or replication["master_link_status"] == "up"
        )
