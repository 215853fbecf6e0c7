"""What the README shows works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ..servers.endpoint import Endpoint
from ..servers.kafka_endpoint import KafkaEndpoint
from ..servers.postgres_endpoint import PostgresEndpoint

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def blocks(name: str) -> list[str]:
    """Return the Python blocks of a README."""
    return BLOCK.findall(text_of(name))


def text_of(name: str) -> str:
    """Return a README."""
    return (ROOT / name).read_text("utf-8")


names = pytest.mark.parametrize("name", ["README.md", "README.fa.md"])


def run(block: str, folder: Path, **env: str) -> str:
    """Run a block as a program of its own; return what it printed."""
    program = folder / "example.py"
    program.write_text(block, "utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", str(program)],
        cwd=folder,
        env=os.environ | env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@names
def test_the_first_example_runs(name: str, tmp_path: Path) -> None:
    """The example stores, caches and prints the one reading."""
    assert run(blocks(name)[0], tmp_path).count("21.5") == 2


@names
def test_the_redis_example_runs(name: str, tmp_path: Path, valkey: Endpoint) -> None:
    """On a real server: one price for all, eleven keys found."""
    printed = run(blocks(name)[1], tmp_path, REDIS_URL=valkey.url)
    assert printed.splitlines() == ["{'amount': 12.5, 'currency': 'EUR'}", "11"]


@names
def test_the_postgresql_example_runs(
    name: str, tmp_path: Path, postgres_database: PostgresEndpoint
) -> None:
    """On a real server, as often as one likes: the notification, then the means of a day."""
    means = ["00:00 2.99", "06:00 8.99", "12:00 14.99", "18:00 20.99"]

    for _ in range(2):
        printed = run(blocks(name)[2], tmp_path, POSTGRES_URL=postgres_database.url)
        assert printed.splitlines() == ["a day of the roof", *means]


@names
def test_the_kafka_example_and_its_commands_run(
    name: str, tmp_path: Path, kafka: KafkaEndpoint
) -> None:
    """On a real broker, as often as one likes: what nobody owes is listed, shown and sent back."""
    for _ in range(2):
        printed = run(blocks(name)[3], tmp_path, KAFKA_URL=kafka.url)
        assert printed.splitlines() == ["ada owes 12", "ada owes 7"]

    ping, lists, show, replay = commands(name, kafka)
    assert "  orders: 0 messages wait" in infrastructure(*ping)
    listed = infrastructure(*lists)
    assert "nobody owes less than nothing" in listed
    newest = re.findall(r"\b0-\d+\b", listed)[-1]
    assert "'amount': -1" in infrastructure(*show[:-1], newest)
    assert "messages went back to orders" in infrastructure(*replay)
    assert infrastructure(*lists).splitlines() == ["0 dead letters of orders wait"]


def commands(name: str, kafka: KafkaEndpoint) -> list[list[str]]:
    """Return the arguments of ``ping`` and ``dlq`` as a README has them, for this broker."""
    shown = re.findall(r"^\$ infrastructure ((?:ping|dlq) .*kafka:.*)", text_of(name), re.MULTILINE)
    return [
        shlex.split(line.replace("kafka://localhost:9092", kafka.url), comments=True)
        for line in shown
    ]


def infrastructure(*arguments: str) -> str:
    """Run the command; return what it printed on wide lines."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "infrastructure", *arguments],
        env=os.environ | {"COLUMNS": "250"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_both_languages_show_the_same_code() -> None:
    """But for comments, docstrings and the name of the sensor the blocks are the same."""
    english, persian = (list(map(bare, blocks(name))) for name in ("README.md", "README.fa.md"))
    assert len(english) == 5
    assert english == persian


def bare(block: str) -> str:
    """Return the code without what is said in a language."""
    without = re.sub(r'"""[^"]*"""|  # .*|"بام"|"roof"|newest:بام|newest:roof', "", block)
    return re.sub(r"[ \t]+\n", "\n", without)
