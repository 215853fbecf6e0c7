"""``infrastructure conform``: what it shows, what it refuses, and its exit status."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infrastructure.cli.app import app

from ...servers.pgbouncer import PgBouncer
from ...servers.postgres_endpoint import PostgresEndpoint


def conform(*arguments: str) -> Any:
    """Run the command."""
    return CliRunner().invoke(app, ["conform", *arguments])


def test_a_backend_by_url_passes() -> None:
    """Status 0, one line, no empty one where nobody watches."""
    done = conform("memory://", "--interface", "caching", "--checks", "C6_*")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("caching, memory://, level full: all ")
    assert "checks passed" in done.stdout


def test_what_is_missing_is_told_with_its_reason() -> None:
    """A backend of level full that lacks something says so whenever it is proved."""
    done = conform("sqlite://", "--checks", "S1_*")
    assert done.exit_code == 0, done.output
    assert "    schemas: SQLite has none\n" in done.stdout
    assert "level full: 1 check passed" in done.stdout


def test_a_file_is_told_how_far_it_got(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no progress bar: else nothing would be seen of a long run until its end."""
    monkeypatch.setattr("infrastructure.cli.conform._QUIET", -1.0)
    done = conform("memory://", "--interface", "caching", "--checks", "C6_*")
    *told, last = done.stdout.splitlines()
    assert told == [f"{number} of {len(told)} checks" for number in range(1, len(told) + 1)]
    assert len(told) > 1
    assert last.startswith("caching, memory://, level full: all ")


@pytest.mark.usefixtures("folder")
def test_a_wrong_backend_is_told_what_it_breaks() -> None:
    """Status 1; the check's name, its promise, what was found and where it is looked for."""
    done = conform("--backend", "mine:Wrong", "--checks", "C3_a_stored*")
    assert done.exit_code == 1, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "failed C3_a_stored_none_exists"
    assert lines[2] == "    a stored None does not exist"
    assert lines[3].startswith("    conformance/caching/values.py:")
    assert lines[-1].startswith("caching, mine:Wrong, level full: 1 of 1 check failed, ")


@pytest.mark.usefixtures("folder")
def test_what_was_logged_meanwhile_is_shown() -> None:
    """A harness that cannot open says why; there is no line of a check to show."""
    done = conform("--backend", "mine:NoServer", "--checks", "C3_a_stored*")
    assert done.exit_code == 1, done.output
    assert done.stdout.splitlines()[2:4] == [
        "    OSError: no server",
        "    logged: WARNING theirs: port 1 is closed",
    ]


def test_a_bare_class_is_proved_as_core() -> None:
    """Without a harness: what needs several instances on the same data fails, the rest holds."""
    done = conform("--backend", "infrastructure.caching.memory:MemoryCache", "--checks", "C1_*")
    assert done.exit_code == 0, done.output
    assert "MemoryCache, level core: all " in done.stdout


@pytest.mark.usefixtures("folder")
def test_several_failures_are_counted() -> None:
    """Each with its own lines, the sum at the end."""
    done = conform("--backend", "mine:Wrong", "--checks", "C[46]_*")
    assert done.exit_code == 1, done.output
    assert done.stdout.count("\nfailed ") + 1 == int(done.stdout.split(" of ")[0].split()[-1])


@pytest.mark.usefixtures("folder")
def test_a_check_that_is_not_asked_proves_nothing() -> None:
    """Status 1 where no check applies at all."""
    done = conform("--backend", "infrastructure.caching.memory:MemoryCache", "--checks", "G8_*")
    assert done.exit_code == 1, done.output
    assert "level core: no check applies, " in done.stdout


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "either a URL or --backend"),
        (["memory://", "--backend", "mine:Good"], "either a URL or --backend"),
        (["memory"], "a URL looks like scheme://"),
        (["sqlite:///no/such/folder/a.db"], "there is no folder no/such/folder; the checks run"),
        (["nosuch://h"], "no harness is registered for nosuch://; there are: kafka+ssl://, "),
        (["sqlite://", "--interface", "caching"], "sqlite:// has no caching; it has storage"),
        (["memory://", "--checks", "Q*"], "no check of memory:// has a name like 'Q*'"),
        (["--list", "--checks", "Q*"], "no check has a name like 'Q*'"),
        (["--list", "nosuch://h"], "no harness is registered for nosuch://"),
        (["--list", "memory://", "--interface", "storage"], "has no storage; it has caching"),
        (["memory://", "--report", "no/such/folder.json"], "cannot be written to no/such"),
        (["memory://", "--report", "."], "the report cannot be written to .: Is a directory"),
        (["--backend", "mine"], "named package.module:factory, got 'mine'"),
        (["--backend", "./mine.py:Good"], "named package.module:factory"),
        (["--backend", "mine.py:Good"], "in this folder? Name a module, not a file"),
        (["--backend", "yours:Good"], "there is no module 'yours'"),
        (["--backend", "mine:good"], "has no 'good'; did you mean 'Good'?"),
        (["--backend", "mine:qqqqq"], "the module 'mine' has no 'qqqqq'"),
        (["--backend", "mine:number"], "mine:number is not callable"),
        (["--backend", "mine:text"], "mine:text makes str, which is neither"),
        (["--backend", "mine:Needs"], "callable without arguments: missing a required argument"),
        (["--backend", "builtins:dict"], "must be callable without arguments"),
        (["--backend", "mine:Half"], "mine:Half cannot be made: TypeError: Can't instantiate"),
        (["--backend", "mine:Misspelt"], "has no feature 'bacth'; did you mean 'batch'?"),
        (["--backend", "mine:Good", "--interface", "storage"], "has no storage; it has caching"),
        (["--backend", "fails:X"], "ZeroDivisionError: division by zero ("),
        (["--backend", "lacks:X"], "No module named 'there_is_no_such_library' ("),
    ],
)
def test_what_cannot_be_proved_is_explained(arguments: list[str], text: str) -> None:
    """Status 2, one line that is not broken into several, no traceback."""
    done = conform(*arguments)
    assert done.exit_code == 2, done.output
    assert text in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("ConfigurationError: ")


@pytest.mark.usefixtures("folder")
def test_the_line_that_failed_is_shown_and_no_password() -> None:
    """Of the module itself, not of what imports it; brackets are text."""
    done = conform("--backend", "mine:Broken")
    assert done.exit_code == 2, done.output
    assert "mine:Broken cannot be made: RuntimeError: no server at redis://" in done.stderr
    assert "localhost [/bold] (" in done.stderr
    assert "mine.py:" in done.stderr
    assert "hunter2" not in done.output


def test_a_server_that_refuses_is_told_once() -> None:
    """Not by every check: the first connection comes before them, and nothing was proved."""
    with socket.socket() as taken:
        # Bound, and nobody listens.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        result = conform(f"redis://me:hunter2@127.0.0.1:{port}/0")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"ConnectionError: connect to 127.0.0.1:{port}: ")
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.output


_DATABASES = "SELECT count(*) FROM pg_database WHERE datname LIKE 'conform%'"


def test_behind_a_pooler_each_check_has_a_database(pgbouncer: PgBouncer) -> None:
    """A schema cannot be put on the search path there; nothing is left, and nothing is missing."""
    with pgbouncer.database() as database:
        done = conform(database.url, "--checks", "S1[24]_*ucket*")
        assert done.exit_code == 0, done.output
        assert "level full: all " in done.stdout
        assert "one_writer" in done.stdout
        assert "time_bucket" not in done.stdout
        assert database.ask(_DATABASES) == 0
        assert database.ask("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'conform%'") == 0


def test_behind_a_pooler_the_role_makes_databases(pgbouncer: PgBouncer) -> None:
    """One that may not is told so: status 2, before a check is asked."""
    with pgbouncer.role() as role:
        done = conform(role.url)
        assert done.exit_code == 2, done.output
        assert "let the role make them (CREATEDB)" in done.stderr


async def test_a_pooler_that_knows_its_databases_is_refused(
    postgres: PostgresEndpoint, start_pgbouncer: Callable[[PgBouncer], Awaitable[PgBouncer]]
) -> None:
    """Status 2, before a check is asked; nothing is left."""
    pooler = await start_pgbouncer(PgBouncer(postgres, database=postgres.name))
    done = await asyncio.to_thread(conform, pooler.url)
    assert done.exit_code == 2, done.output
    assert "the pooler pass on every one" in done.stderr
    assert postgres.ask(_DATABASES) == 0


@pytest.mark.usefixtures("folder")
def test_fault_checks_are_asked_by_a_flag() -> None:
    """Without it they are counted apart; a cache in memory passes what asks for no server."""
    breakable = ("--backend", "mine:Breakable", "--checks")
    done = conform(*breakable, "[CG]2*")
    assert "level full: all " in done.stdout
    assert ", 2 more by --faults, " in done.stdout
    done = conform(*breakable, "C2*", "--faults")
    assert done.exit_code == 0, done.output
    assert "caching: 2 features are declared missing:\n    server_faults: nobody may" in done.stdout
    assert "more by" not in done.stdout
    done = conform("memory://", "--checks", "C2*", "--faults")
    assert ", 2 need faults of the harness, " in done.stdout
    assert "need faults" not in conform("memory://", "--checks", "C2*").stdout


def test_only_the_interfaces_with_such_a_check_are_proved() -> None:
    """``memory://`` has two; a check of a cache is none of the other's business."""
    done = conform("memory://", "--checks", "C4_*")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("level full") == 1


def test_one_missing_feature_is_told_as_one() -> None:
    """Not as "1 features"."""
    assert (
        "messaging: 1 feature is declared missing:"
        in conform("memory://", "--checks", "M3_*").stdout
    )


def test_checks_are_listed_on_lines_that_can_be_copied() -> None:
    """The name, whose it is, and the promise below; nothing runs."""
    done = conform("--list", "--checks", "*8_another_event_loop*")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "G8_another_event_loop_is_refused  (caching, loop_owner)" in lines
    done = conform("--list", "--checks", "G6_*silence")
    assert "G6_a_call_succeeds_after_silence  (caching, core, fault)" in done.stdout
    done = conform("--list", "--checks", "S15_detached_is_missing_here")
    assert "(storage, without detached)" in done.stdout


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), {"caching", "messaging", "storage"}),
        (("--interface", "storage"), {"storage"}),
        (("memory://",), {"caching", "messaging"}),
        (("memory://", "--interface", "caching"), {"caching"}),
        (("kafka://localhost:9092",), {"messaging"}),
        (("--backend", "mine:Good"), {"caching"}),
    ],
)
def test_the_list_is_of_what_is_named(arguments: tuple[str, ...], shown: set[str]) -> None:
    """By a URL, to which nothing connects, a harness or an interface."""
    done = conform("--list", "--checks", "G3_*", *arguments)
    assert done.exit_code == 0, done.output
    assert set(re.findall(r"^G3_.*\((\w+), ", done.stdout, re.MULTILINE)) == shown


@pytest.mark.usefixtures("folder")
def test_a_report_is_written_of_failures_too(tmp_path: Path) -> None:
    """JSON with the status, the reason and the place of each check, and the features."""
    path = tmp_path / "report.json"
    done = conform("--backend", "mine:Wrong", "--checks", "C[46]_*", "--report", str(path))
    assert done.exit_code == 1, done.output
    (report,) = json.loads(path.read_text("utf-8"))
    assert report["backend"] == "mine:Wrong"
    assert report["features"]["batch"] == {"declared": True, "reason": ""}
    assert {check["status"] for check in report["checks"]} == {"passed", "failed"}
    failed = [check for check in report["checks"] if check["status"] == "failed"]
    assert all(check["reason"] and check["where"] for check in failed)


@pytest.mark.slow
@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_ends_it_with_a_line(folder: Path) -> None:
    """Status 130, nothing but the line: no traceback, no complaint of the event loop."""
    (folder / "hangs.py").write_text(
        "import asyncio, sys\n"
        "from infrastructure.conformance.harnesses.memory import MemoryCacheHarness\n"
        "class Hangs(MemoryCacheHarness):\n"
        "    async def open(self):\n"
        "        print('hanging', flush=True)\n"
        "        await asyncio.Event().wait()\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "infrastructure", "conform", "--backend", "hangs:Hangs"]

    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert err == "interrupted; the checks that did not run prove nothing\n"


@pytest.mark.slow
@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_lets_the_check_close_its_harness(folder: Path) -> None:
    """What it made is removed, which may take a moment."""
    (folder / "hangs.py").write_text(
        "import asyncio, pathlib\n"
        "from infrastructure.caching.memory import MemoryCache\n"
        "from infrastructure.conformance.harnesses.memory import MemoryCacheHarness\n"
        "class Silent(MemoryCache):\n"
        "    async def get(self, key):\n"
        "        print('hanging', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "class Hangs(MemoryCacheHarness):\n"
        "    def make(self, **options):\n"
        "        return Silent(self._url, **options)\n"
        "    async def close(self):\n"
        "        await asyncio.sleep(1.5)\n"
        "        pathlib.Path('closed').touch()\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "infrastructure", "conform", "--backend", "hangs:Hangs"]

    with subprocess.Popen(
        [*command, "--checks", "C3_*"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"hanging\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert process.returncode == 130
    assert (folder / "closed").exists()
