"""The demo keeps its rows in PostgreSQL and TimescaleDB as well, and loses none."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from ..servers.postgres_endpoint import PostgresEndpoint
from .test_demo import COMMAND, COMPLETE, run

pytestmark = pytest.mark.slow


def count(database: PostgresEndpoint) -> int:
    """Return how many observations are stored by now."""
    with database.control() as control:
        there = control.execute("SELECT to_regclass('weather') IS NOT NULL").fetchone()

        if there != (True,):
            return 0

        row = control.execute("SELECT count(*) FROM weather").fetchone()
        return 0 if row is None else int(row[0])


def test_killed_in_the_middle_and_run_again_nothing_is_lost(
    postgres: PostgresEndpoint, tmp_path: Path
) -> None:
    """After kill -9 with some rows stored, a second run completes the same database."""
    with postgres.database() as database:
        storage = ["--storage", database.url]

        with subprocess.Popen(
            [*COMMAND, *storage], cwd=tmp_path, stdout=subprocess.DEVNULL
        ) as process:
            until = time.monotonic() + 60

            while not 1 <= (stored := count(database)) and time.monotonic() < until:
                assert process.poll() is None, "the demo ended before it had stored a row"

            process.send_signal(signal.SIGKILL)

        assert 1 <= stored < 26_114, "the process was to be killed in the middle"
        done = run(*storage, cwd=tmp_path)

        assert done.returncode == 0, done.stdout + done.stderr
        assert COMPLETE in done.stdout
        assert "an index on time_hour" in " ".join(done.stderr.split() + done.stdout.split())
        assert count(database) == 26_114
