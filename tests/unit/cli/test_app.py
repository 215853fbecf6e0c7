"""What the command line as a whole does: its version, its log lines, a terminal of ASCII."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from importlib.abc import MetaPathFinder
from importlib.metadata import version
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from infrastructure.cli import main
from infrastructure.cli.app import app
from infrastructure.cli.logs import show_logs
from infrastructure.interfaces import TimeoutError


def test_the_version_is_that_of_the_distribution() -> None:
    """``--version`` needs no command."""
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, version("infrastructure-interfaces") + "\n")


def test_an_error_in_a_group_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tasks of a command raised together, when it is nothing but errors of ours."""
    failures: list[Exception] = []

    async def fail(*_: object, **_options: object) -> None:
        await asyncio.sleep(0)
        raise ExceptionGroup("tasks", failures)

    monkeypatch.setattr("infrastructure.cli.app.run_demo", fail)
    failures += [TimeoutError("too late"), ExceptionGroup("more", [TimeoutError("later")])]
    done = CliRunner().invoke(app, ["demo"])
    assert (done.exit_code, done.stderr) == (2, "TimeoutError: too late\n")
    failures.append(ValueError("a bug"))
    assert isinstance(CliRunner().invoke(app, ["demo"]).exception, ExceptionGroup)


KEPT = "what left this process is kept"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "interrupted; nothing was kept, run it again\n"),
        (["--storage", "sqlite:///a.db"], f"interrupted; {KEPT}, run it again\n"),
        (["--messaging", "kafka://h"], f"interrupted; {KEPT}, run it again\n"),
    ],
)
def test_an_interrupted_demo_says_what_is_left(
    arguments: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A temporary file is gone, and another one is not, nor what brokers have."""

    async def interrupt(*_: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("infrastructure.cli.app.run_demo", interrupt)
    done = CliRunner().invoke(app, ["demo", *arguments])
    assert (done.exit_code, done.stderr) == (130, told)


def test_ctrl_c_before_a_command_begins_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 130, while the libraries are imported."""

    class Interrupted(MetaPathFinder):
        def find_spec(self, fullname: str, *_: object) -> None:
            if fullname == "infrastructure.cli.app":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "infrastructure.cli.app")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130


def test_a_terminal_of_ascii_gets_question_marks() -> None:
    """What it cannot show is replaced, and ends no command."""
    done = subprocess.run(
        [sys.executable, "-m", "infrastructure", "conform", "--backend", "nö"],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "got 'n?'" in done.stderr


def test_a_traceback_is_one_line() -> None:
    """Of one in the message, and of one beside it, the error's text is shown."""
    logged = StringIO()
    logger = logging.getLogger("infrastructure")
    handlers, propagate = logger.handlers[:], logger.propagate

    try:
        show_logs(Console(file=logged, width=200))
        logger.error("%s failed\n%s", "it", "Traceback (most recent call last):\n  File\nX: why\n")
        logger.warning("beside it", exc_info=ValueError("because"))
        logger.warning("alone")
    finally:
        logger.handlers[:], logger.propagate = handlers, propagate

    assert logged.getvalue().splitlines() == [
        "error: it failed (X: why)",
        "warning: beside it (because)",
        "warning: alone",
    ]
