"""What the README shows works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..servers.endpoint import Endpoint

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def blocks(name: str) -> list[str]:
    """Return the Python blocks of a README."""
    return BLOCK.findall((ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize("name", ["README.md", "README.fa.md"])
def test_the_first_example_runs(name: str, tmp_path: Path) -> None:
    """The example stores, caches and prints the one reading."""
    program = tmp_path / "example.py"
    program.write_text(blocks(name)[0], "utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("21.5") == 2, done.stdout


@pytest.mark.parametrize("name", ["README.md", "README.fa.md"])
def test_the_redis_example_runs(name: str, tmp_path: Path, valkey: Endpoint) -> None:
    """On a real server: one price for all, eleven keys found."""
    program = tmp_path / "prices.py"
    program.write_text(blocks(name)[1], "utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", str(program)],
        env=os.environ | {"REDIS_URL": valkey.url},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["{'amount': 12.5, 'currency': 'EUR'}", "11"]


def test_both_languages_show_the_same_code() -> None:
    """But for comments, docstrings and the name of the sensor the blocks are the same."""
    english, persian = (list(map(bare, blocks(name))) for name in ("README.md", "README.fa.md"))
    assert len(english) == 3
    assert english == persian


def bare(block: str) -> str:
    """Return the code without what is said in a language."""
    without = re.sub(r'"""[^"]*"""|  # .*|"بام"|"roof"|newest:بام|newest:roof', "", block)
    return re.sub(r"[ \t]+\n", "\n", without)
