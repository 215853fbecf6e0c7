"""The demo runs with all three backends on servers, and loses nothing there either."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from ..servers.endpoint import Endpoint
from ..servers.kafka_server import KafkaServer
from ..servers.postgres_endpoint import PostgresEndpoint
from .test_demo import COMMAND, COMPLETE, run
from .test_demo_postgres import count

pytestmark = pytest.mark.slow


def test_killed_in_the_middle_and_run_again_nothing_is_lost(
    private_kafka: KafkaServer,
    postgres: PostgresEndpoint,
    valkey: Endpoint,
    tmp_path: Path,
) -> None:
    """What the killed run had published is handled by the second one, when its session has ended."""
    with postgres.database() as database:
        storage = ["--storage", database.url]
        # The shortest session that brokers allow unless they are told otherwise: it is waited for.
        messaging = f"{private_kafka.url}?session_timeout=6"
        servers = ["--cache", valkey.url, "--messaging", messaging, *storage]

        with subprocess.Popen(
            [*COMMAND, *servers], cwd=tmp_path, stdout=subprocess.DEVNULL
        ) as process:
            until = time.monotonic() + 60

            while not 1 <= (stored := count(database)) and time.monotonic() < until:
                assert process.poll() is None, "the demo ended before it had stored a row"

            process.send_signal(signal.SIGKILL)

        assert 1 <= stored < 26_114, "the process was to be killed in the middle"
        done = run(*servers, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert COMPLETE in done.stdout
        assert count(database) == 26_114
