"""A server of the tests in the foreground, for whoever wants to try the package on one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[2]

# As `python -m tests.servers`, also where the folder of the call is not looked into for modules.
MODULE = (
    f"import runpy, sys; sys.path.append({str(ROOT)!r}); "
    "runpy.run_module('tests.servers', run_name='__main__', alter_sys=True)"
)

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder for temporary files that is reachable for whom root starts a PostgreSQL as."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


def ping(url: str) -> int:
    """Return the exit status of the command."""
    command = [sys.executable, "-m", "infrastructure", "ping", url]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("name", ["kafka", "postgres", "redis"])
def test_it_answers_until_ctrl_c(name: str, folder: Path) -> None:
    """At the URL that is all it prints; then neither the server nor its folder is left."""
    with subprocess.Popen(
        [sys.executable, "-c", MODULE, name],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()

        try:
            assert ping(url) == 0
            assert list(folder.iterdir())
        finally:
            process.send_signal(signal.SIGINT)

        rest, _ = process.communicate(timeout=30)

    assert (process.returncode, rest) == (0, "")
    assert list(folder.iterdir()) == []
    assert ping(url) == 2
