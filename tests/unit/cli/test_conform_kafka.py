"""``infrastructure conform kafka://…``: a broker is proved by its URL alone."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ...servers import shared
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_server import KafkaServer
from ...servers.ports import HOST
from ...servers.waiting import until
from .test_conform import conform


@pytest.mark.slow
@pytest.mark.parametrize(
    "checks", ["M1_published*", "M2_handler_is_told*", "M6_finished*", "M10_dead_letter_tells*"]
)
def test_a_broker_by_url_passes(checks: str, kafka: KafkaEndpoint) -> None:
    """Status 0; what it lacks of level full is told with its reason."""
    done = conform(kafka.url, "--checks", checks)
    assert done.exit_code == 0, done.output
    assert "messaging: 2 features are declared missing:\n    bounded_log: the log is" in done.stdout
    assert f"messaging, {kafka.url}, level full: 1 check passed" in done.stdout


@pytest.mark.slow
def test_options_of_the_url_are_the_instances(kafka: KafkaEndpoint, tmp_path: Path) -> None:
    """But the group, which each check has to have to itself."""
    report = tmp_path / "report.json"
    url = f"{kafka.url}?lanes=2&librdkafka.compression.type=lz4&group_id=mine"
    done = conform(url, "--checks", "M4_each_group*", "--report", str(report))
    assert done.exit_code == 0, done.output
    (told,) = json.loads(report.read_text("utf-8"))
    assert [check["status"] for check in told["checks"]] == ["passed"]


def test_a_broker_that_refuses_is_told_once() -> None:
    """Not by every check, and without the password."""
    with socket.socket() as taken:
        # Bound, and nobody listens.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = conform(f"kafka://me:hunter2@127.0.0.1:{port}")

    assert done.exit_code == 2, done.output
    assert done.stderr.startswith(f"ConnectionError: connect to kafka://127.0.0.1:{port}: ")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.output


def test_the_other_interfaces_are_not_its() -> None:
    """A broker is no cache."""
    done = conform("kafka://localhost:9092", "--interface", "caching")
    assert done.exit_code == 2, done.output
    assert "kafka://localhost:9092 has no caching; it has messaging" in done.stderr


@pytest.mark.slow
async def test_what_it_made_is_removed(kafka: KafkaEndpoint) -> None:
    """Topics and dead-letter topics: the broker has those that it had."""
    before = kafka.topics()
    done = await asyncio.to_thread(conform, kafka.url, "--checks", "M10_dead_letter_[kt]*")
    assert done.exit_code == 0, done.output
    # A broker hears of it a moment after its controller.
    await until(lambda: kafka.topics() <= before)


@pytest.mark.slow
@pytest.mark.usefixtures("_interruptible")
async def test_ctrl_c_leaves_nothing(kafka: KafkaEndpoint) -> None:
    """A topic that is there when it is pressed goes, too."""
    before = kafka.topics()
    command = ("-m", "infrastructure", "conform", kafka.url, "--checks", "M14_*")
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    await until(lambda: kafka.topics() - before)
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130
    await until(lambda: kafka.topics() <= before)


@pytest.mark.slow
async def test_what_may_not_be_removed_stays(
    start_kafka: Callable[[KafkaServer], Awaitable[KafkaServer]],
) -> None:
    """A broker that lets nobody remove a topic is proved all the same."""
    server = await start_kafka(KafkaServer({"delete.topic.enable": "false"}))
    done = await asyncio.to_thread(conform, server.url, "--checks", "M1_published*")
    assert done.exit_code == 0, done.output
    assert any(name.startswith("arrives.") for name in server.topics())


@pytest.mark.slow
def test_faults_are_tried_where_a_proxy_can_stand() -> None:
    """Before a listener that sends its clients to a port where nobody listens: there it does."""
    server = shared.proxied_kafka()
    url = f"kafka://{HOST}:{server.proxied_port}"
    done = conform(url, "--faults", "--checks", "G6_*")
    assert done.exit_code == 0, done.output
    assert "server_faults: the brokers of a URL are not ours to stop" in done.stdout
    assert "level full: all 3 checks passed, 2 not asked" in done.stdout


@pytest.mark.slow
def test_faults_that_cannot_be_tried_are_named_with_the_reason(kafka: KafkaEndpoint) -> None:
    """A client of the usual broker goes past any proxy: no check passes for want of a fault."""
    done = conform(kafka.url, "--faults", "--checks", "M6_subscription*")
    assert done.exit_code == 0, done.output
    told = " ".join(done.stdout.split())
    assert "messaging: 3 fault checks were not tried: its clients are sent to" in told
    assert "let it have a listener that advertises a free port of 127.0.0.1" in told
    assert "M6_subscriptions_come_back_after_silence" in told
    assert ", 3 need faults of the harness, " in told
