"""Nothing happens when the package is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from . import _probe

DRIVERS = {"confluent_kafka", "hiredis", "psycopg", "redis"}
HEAVY = {"grimp", "hypothesis", "pytest", "rich", "typer"}


def imported(*names: str, path: Path | None = None) -> dict[str, Any]:
    """Import modules in a fresh interpreter and return what the probe saw there.

    ``path`` is searched too; without it only what is installed can be found.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    result = subprocess.run(
        [sys.executable, "-P", "-W", "error", str(_probe.__file__), *names],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seen: dict[str, Any] = json.loads(result.stdout)
    seen["top"] = {name.split(".")[0] for name in seen["modules"]}

    return seen


def side_effects(seen: dict[str, Any]) -> list[str]:
    """Name what an import should not have done."""
    found = [f"imported {name}" for name in sorted(seen["top"] & (DRIVERS | HEAVY))]
    found += [f"{key}: {seen[key]}" for key in ("threads", "handlers", "loop") if seen[key]]

    return found + seen["events"]


@pytest.mark.parametrize(
    "sample",
    [
        "import hypothesis",
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
        "import logging\nlogging.basicConfig()",
        "import socket\nsocket.socket()",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])",
        "import asyncio\nasyncio.set_event_loop(asyncio.new_event_loop())",
        "open('left.txt', 'w').close()",
    ],
)
def test_a_side_effect_is_found(
    sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that does something at import is seen, whatever it does."""
    (tmp_path / "planted.py").write_text(
        f"import warnings\nwarnings.simplefilter('ignore')\n{sample}\n"
    )
    monkeypatch.chdir(tmp_path)

    assert side_effects(imported("planted", path=tmp_path))


@pytest.mark.parametrize("name", ["infrastructure", "infrastructure.interfaces"])
def test_importing_does_nothing(name: str) -> None:
    """No driver, no thread, no loop, no file, no log handler: settings come first, work later."""
    seen = imported(name)

    assert name in seen["modules"]
    assert not side_effects(seen)


def test_the_backends_without_a_driver_import_none() -> None:
    """Whoever uses the in-process backends needs no extra."""
    seen = imported(
        "infrastructure.caching.memory",
        "infrastructure.messaging.memory",
        "infrastructure.storage.sqlite",
    )

    assert not seen["top"] & (DRIVERS | HEAVY)
