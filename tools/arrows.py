"""Check the direction of the imports, and first that the check itself still catches something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]

# In the lowest layer every one of these is wrong: each contract must break by one of them.
PLANTED = """
from .. import _core
import confluent_kafka
import hiredis
import psycopg
import pytest
import redis
import rich
import typer
"""


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the tree in ``root``.

    Without PYTHONPATH it reads an installed copy wherever there is one, and
    reports that copy's imports as kept over whatever stands in the tree.
    """
    program = Path(sys.executable).with_name("lint-imports")

    return subprocess.run(
        [program, "--no-cache", "--no-logo"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def number(pattern: str, text: str) -> int:
    """Return the number that ``pattern`` finds, or -1 where the text has none."""
    found = re.search(pattern, text)

    return int(found.group(1)) if found else -1


def planted_violations_are_caught() -> bool:
    """Whether every contract breaks in a copy of the tree with forbidden imports in it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copy(ROOT / "pyproject.toml", copy)
        shutil.copytree(ROOT / "infrastructure", copy / "infrastructure")
        (copy / "infrastructure" / "interfaces" / "_planted.py").write_text(PLANTED)
        result = lint_imports(copy)

    if result.returncode != 0 and number(r"(\d+) kept", result.stdout) == 0:
        return True

    print(result.stdout, result.stderr)
    print("The planted imports break rules, but not every contract noticed: the check is blind.")

    return False


def unread_modules() -> list[str]:
    """Name the modules of the tree that the graph of the imports leaves out."""
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph("infrastructure", cache_dir=None)
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "infrastructure").rglob("*.py")
    }

    return sorted(names - graph.modules) if names else ["infrastructure"]


def tree_is_clean() -> bool:
    """Whether the contracts hold in the tree, all of whose modules were read."""
    result = lint_imports(ROOT)
    print(result.stdout, result.stderr)
    unread = unread_modules()

    if unread:
        print("Not read; does every folder have its __init__.py?", *unread, sep="\n  ")

    return result.returncode == 0 and not unread


if __name__ == "__main__":
    sys.exit(0 if planted_violations_are_caught() and tree_is_clean() else 1)
