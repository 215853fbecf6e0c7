"""A run on a machine that lacks a server names the tests that could not run there, and says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import commands, shared

TESTS = Path(__file__).parents[1]
WANTING = "servers/test_kafka.py::test_nothing_is_left_behind"

pytestmark = pytest.mark.slow


def test_a_test_that_cannot_run_fails_by_a_line(tmp_path: Path) -> None:
    """It is named, the reason is told once more at the end, and no traceback hides it."""
    options = ["-q", "-p", "no:cacheprovider", f"--rootdir={TESTS.parent}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(TESTS / WANTING)],
        cwd=TESTS.parent,
        env=os.environ | {"PATH": str(tmp_path), "KAFKA_BOOTSTRAP_SERVERS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"FAILED tests/{WANTING}" in done.stdout
    assert "1 of those below could not run here: Kafka needs java" in done.stdout
    assert "kafka: Tansu, as there is no Java" in done.stdout
    assert "MissingServerError" not in done.stdout


def test_without_maven_tansu_stands_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As without Java, unless Kafka is installed already."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch(0o700)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert shared.kafka_told() == "Tansu, as there is no Maven"

    with pytest.raises(commands.MissingServerError, match="needs mvn"):
        shared.proxied_kafka.__wrapped__()
