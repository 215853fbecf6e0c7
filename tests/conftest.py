"""What every test shares: the servers, short collections of garbage, hypothesis' profile and seed."""

from __future__ import annotations

import gc
import os
import random
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

import infrastructure

from .missing_servers import pytest_runtest_makereport, wants
from .servers import shared
from .servers.fixtures import (
    certificates,
    debian_postgres,
    debian_redis,
    kafka,
    kafka_cluster,
    kafka_topic,
    pgbouncer,
    postgres,
    postgres_database,
    postgres_tls,
    private_cluster,
    private_kafka,
    private_postgres,
    private_sentinel,
    private_valkey,
    redis_acl,
    redis_tls,
    start_kafka,
    start_pgbouncer,
    start_postgres,
    start_redis,
    timescale,
    valkey,
    valkey_cluster,
    valkey_sentinel,
)

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
    "pytest_runtest_makereport",
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

# Wall-clock limits of an example say more about the machine than about the code. Without a
# database a run depends on its seed alone, here as on a clean checkout.
settings.register_profile("default", deadline=None, database=None, print_blob=True)
settings.register_profile(
    "long", settings.get_profile("default"), max_examples=2000, stateful_step_count=100
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
settings.load_profile(PROFILE)


@pytest.fixture(scope="module", autouse=True)
def short_collections() -> None:
    """Let the collector leave alone what has outlived a module.

    A run keeps hundreds of thousands of objects: its tests, parsed sources. Going through them
    stopped whatever test it fell into for half a second, longer than a deadline's slack.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give hypothesis' plugin, which reads them next, a seed that can be given again."""
    if config.option.hypothesis_seed is None:
        drawn = str(random.SystemRandom().getrandbits(32))
        config.option.hypothesis_seed = os.environ.get("HYPOTHESIS_SEED") or drawn

    if PROFILE == "long" and config.option.timeout is None:
        config.option.timeout = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a name with an address in it: the processes of a run must find the same tests."""
    if moving := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        msg = f"these names differ from process to process, give them ids: {moving}"
        raise pytest.UsageError(msg)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which copy of the package is imported, which Kafka is used, and how to repeat the examples."""
    return [f"infrastructure: {infrastructure.__file__}", broker(), repetition(config)]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say it again where something failed, or another broker stood in: a quiet run has no header."""
    stats = terminalreporter.stats
    failed = stats.get("failed") or stats.get("error")

    for line in wants(terminalreporter):
        terminalreporter.write_line(line)

    if failed or "Tansu" in broker():
        terminalreporter.write_line(broker())

    if failed:
        terminalreporter.write_line(repetition(config))


def broker() -> str:
    """Return which Kafka the tests talk to: not each can do the same."""
    return f"kafka: {shared.kafka_told()}"


def repetition(config: pytest.Config) -> str:
    """Return what repeats the examples of this run, all or those of one test."""
    # Keys go to shards and partitions by their hash.
    hashes = os.environ.get("PYTHONHASHSEED", "random")
    seed = config.option.hypothesis_seed
    return (
        f"repeat with: PYTHONHASHSEED={hashes} HYPOTHESIS_PROFILE={PROFILE} HYPOTHESIS_SEED={seed}"
    )


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Hear Ctrl-C, here and in children, although this run may not, as a job in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what brokers answer to a message for their first answer, however late it comes."""
    monkeypatch.setattr("infrastructure.messaging.kafka._acknowledgements._soonest", lambda _: 1e6)
