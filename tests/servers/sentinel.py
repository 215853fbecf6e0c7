"""A primary and its replica, watched by three sentinels that promote the replica when it must be."""

from __future__ import annotations

from .program import Program
from .running import Running, at_once, living
from .server import RedisServer
from .waiting import until

__all__ = ["SERVICE", "RedisSentinel"]

SERVICE = "mymaster"

_SENTINELS = 3
_QUORUM = 2


class RedisSentinel(Running):
    """Runs two servers and three sentinels.

    ``down_after``  seconds of silence after which a sentinel takes a server for dead.
    ``password``    of the servers; the sentinels ask for none.
    """

    service = SERVICE

    def __init__(
        self, program: Program, *, down_after: float = 1.0, password: str | None = None
    ) -> None:
        self.servers = [RedisServer(program, password=password) for _ in range(2)]
        watched = _options(self.servers[0], down_after)
        self.sentinels = [
            RedisServer(program, watched, mode="--sentinel") for _ in range(_SENTINELS)
        ]

    def __repr__(self) -> str:
        return f"<RedisSentinel {SERVICE} of {self.servers!r}>"

    @property
    def url(self) -> str:
        """The sentinels and the service, with the servers' password, as ``redis+sentinel://``."""
        account = self.servers[0].url.removeprefix("redis://").rpartition("@")[0]
        hosts = ",".join(f"{one.host}:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{account}{'@' if account else ''}{hosts}/{SERVICE}"

    def primary(self) -> RedisServer:
        """Return the server that most sentinels name."""
        named = [_primary_port(sentinel) for sentinel in living(self.sentinels)]
        port = max(named, key=named.count)
        return next(server for server in self.servers if server.port == port)

    def replica(self) -> RedisServer:
        """Return the other one."""
        primary = self.primary()
        return next(server for server in self.servers if server is not primary)

    async def start(self) -> None:
        """Start all and return when every sentinel knows everybody."""
        await at_once(server.start() for server in self.servers)
        primary, replica = self.servers

        with replica.control() as control:
            control.replicaof(primary.host, primary.port)
            # A sentinel that comes earlier hears of the replica ten seconds later.
            await until(lambda: control.info("replication")["master_link_status"] == "up")

        await at_once(sentinel.start() for sentinel in self.sentinels)

        # They introduce themselves by what they publish, else every two seconds.
        self._publish_every(0.1)
        await until(lambda: all(_knows_everybody(sentinel) for sentinel in self.sentinels))
        self._publish_every(2.0)

    async def failed_over(self, before: RedisServer, within: float = 10.0) -> RedisServer:
        """Return the new primary once all sentinels name another one than ``before``."""
        await until(
            lambda: all(_primary_port(one) != before.port for one in living(self.sentinels)), within
        )
        primary = self.primary()

        with primary.control() as control:
            await until(lambda: control.info("replication")["role"] == "master", within)

        return primary

    async def close(self) -> None:
        """Stop all, the sentinels first: they are to see no failure."""
        for servers in (self.sentinels, self.servers):
            await at_once(server.close() for server in servers)

    def _publish_every(self, seconds: float) -> None:
        for sentinel in self.sentinels:
            with sentinel.control() as control:
                period = ("PUBLISH-PERIOD", round(seconds * 1000))
                control.execute_command("SENTINEL", "DEBUG", *period)


def _options(primary: RedisServer, down_after: float) -> dict[str, object]:
    lines = [
        f"monitor {SERVICE} {primary.host} {primary.port} {_QUORUM}",
        f"down-after-milliseconds {SERVICE} {round(down_after * 1000)}",
        f"failover-timeout {SERVICE} 5000",
        *([f"auth-pass {SERVICE} {primary.password}"] if primary.password else []),
    ]
    return {"bind": primary.host, **{f"sentinel {line}": None for line in lines}}


def _primary_port(sentinel: RedisServer) -> int:
    with sentinel.control() as control:
        return int(control.sentinel_get_master_addr_by_name(SERVICE)[1])


def _knows_everybody(sentinel: RedisServer) -> bool:
    with sentinel.control() as control:
        seen = control.sentinel_master(SERVICE)
        return (seen["num-slaves"], seen["num-other-sentinels"]) == (1, _SENTINELS - 1)
