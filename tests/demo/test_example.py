"""The program that is read as the tutorial counts as the demo does, here and on servers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..servers.endpoint import Endpoint
from ..servers.kafka_server import KafkaServer
from ..servers.postgres_endpoint import PostgresEndpoint
from .test_demo import EXAMPLES, run

EXAMPLE = EXAMPLES / "weather_pipeline.py"
COMPLETE = "published 26115 = stored 26114 + dead-lettered 1"

pytestmark = pytest.mark.slow


def example(*urls: str, cwd: Path) -> str:
    """Run it; return what it printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *urls],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_needs_no_server(tmp_path: Path) -> None:
    """Without arguments it runs in its own process."""
    assert COMPLETE in example(cwd=tmp_path)


def test_it_runs_on_servers_again_and_beside_the_demo(
    private_kafka: KafkaServer,
    postgres_database: PostgresEndpoint,
    valkey: Endpoint,
    tmp_path: Path,
) -> None:
    """With the options that its docstring gives the URLs, whatever was published before."""
    told = re.findall(r"\?(\S+)'", EXAMPLE.read_text("utf-8").split('"""')[1])
    kafka, database = (f"?{options}" for options in told)
    cache = f"{valkey.url}?prefix={postgres_database.name}:"
    demo = run("--messaging", private_kafka.url, cwd=tmp_path)
    assert demo.returncode == 0, demo.stdout + demo.stderr

    for _ in range(2):
        urls = (cache, private_kafka.url + kafka, postgres_database.url + database)
        assert COMPLETE in example(*urls, cwd=tmp_path)
