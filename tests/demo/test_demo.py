"""The demo accounts for every observation, also after it was killed."""

from __future__ import annotations

import gzip
import itertools
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "infrastructure", "demo"]
COMPLETE = "published 26,115 = stored 26,114 + dead-lettered 1: nothing lost"
EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "weather_pipeline.py"
DATA = EXAMPLES / "data" / "nyc_weather_2013.csv.gz"

pytestmark = pytest.mark.slow


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo from a folder that is not the source tree."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def count(database: Path) -> int:
    """Return how many observations are stored by now."""
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as con:
            return int(con.execute("SELECT count(*) FROM weather").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_every_observation_is_accounted_for(tmp_path: Path) -> None:
    """All 26,115 observations are stored, but the one that is no weather."""
    done = run(cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert COMPLETE in done.stdout
    assert "wind_speed is 1048.36, and can only be 0 to 250" in " ".join(done.stdout.split())
    assert "2013-12" in done.stdout
    assert "Traceback" not in done.stdout, "a dead letter is one line"


def test_killed_in_the_middle_and_run_again_nothing_is_lost(tmp_path: Path) -> None:
    """After kill -9 with some rows stored, a second run completes the same database."""
    database = tmp_path / "weather.db"
    storage = ["--storage", f"sqlite:///{database}"]

    with subprocess.Popen([*COMMAND, *storage], cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60

        while not 1 <= (stored := count(database)) and time.monotonic() < until:
            assert process.poll() is None, "the demo ended before it had stored a row"

        process.send_signal(signal.SIGKILL)

    assert 1 <= stored < 26_114, "the process was to be killed in the middle"
    assert process.returncode == -signal.SIGKILL
    done = run(*storage, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert COMPLETE in done.stdout
    assert count(database) == 26_114


def test_counts_that_do_not_match_are_told(tmp_path: Path) -> None:
    """One row that was never published makes the exit status 1."""
    database, few = tmp_path / "weather.db", tmp_path / "few.csv"

    with gzip.open(DATA, "rt") as lines:
        few.write_text("".join(itertools.islice(lines, 101)))

    options = ["--storage", f"sqlite:///{database}", "--data", str(few)]
    assert run(*options, cwd=tmp_path).returncode == 0

    with sqlite3.connect(database) as con:
        con.execute(
            "INSERT INTO weather (origin, time_hour) VALUES ('XXX', '2013-01-01T00:00:00.000000+00:00')"
        )

    done = run(*options, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "stored 101, dead-lettered 0: the counts do not match" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--cache", "nosuch://host"], "there are: memory://"),
        (["--storage", "sqlite://?colour=red"], "no option 'colour'"),
        (["--storage", "sqlite:////nowhere/at/all/weather.db"], "/nowhere/at/all"),
        (["--data", "nosuch.csv"], "there is no file nosuch.csv"),
    ],
)
def test_wrong_input_is_explained(arguments: list[str], text: str, tmp_path: Path) -> None:
    """What cannot work ends with status 2 and says why, without a traceback."""
    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == 2, done.stdout + done.stderr
    assert text in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_example_tells_the_same(tmp_path: Path) -> None:
    """The program that is read as the tutorial counts as the demo does."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "published 26115 = stored 26114 + dead-lettered 1" in done.stdout
