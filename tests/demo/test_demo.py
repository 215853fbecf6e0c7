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


def test_what_looks_like_markup_is_text(tmp_path: Path) -> None:
    """In the path of a file, in the name of an airport, and in what its dead letter says."""
    (tmp_path / "a[").mkdir()
    few, storage = tmp_path / "few.csv", f"sqlite:///{tmp_path}/a[/b]:cd:.db"
    head = "origin,time_hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib"
    right = "[/x],2013-01-01T06:00:00Z,39,26,59,270,10,NA,0,1012,10"
    wrong = "[/y],2013-01-01T06:00:00Z,39,26,59,270,10,NA,0,1012,[red]"
    few.write_text("\n".join([head, right, wrong, ""]))
    done = run("--storage", storage, "--data", str(few), cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    shown = "".join(done.stdout.split())
    assert f"{tmp_path}/a[/b]:cd:.db" in shown
    assert "deadletter:[/y]at2013-01-01T06:00:00Z:visibis'[red]',notanumber" in shown
    assert shown.count("[/x]") == 3


@pytest.mark.parametrize("temp", ["NA", "0", "-4"])
def test_what_cannot_be_plotted_is_told(temp: str, tmp_path: Path) -> None:
    """No reading, or none above zero."""
    few = tmp_path / "few.csv"
    head = "origin,time_hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib"
    few.write_text(f"{head}\nJFK,2013-01-01T06:00:00Z,{temp},26,59,270,10,NA,0,1012,10\n")
    done = run("--data", str(few), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    newest = "no reading" if temp == "NA" else f"{temp} °F"
    assert f"JFK  2013-01-01 06:00 UTC  {newest}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--cache", "nosuch://host"], "there are: memory://"),
        (["--storage", "sqlite://?colour=red"], "no option 'colour'"),
        (["--storage", "sqlite:////nowhere/at/all/weather.db"], "/nowhere/at/all"),
        (["--data", "nosuch.csv"], "there is no file nosuch.csv"),
        (["--data", "."], ". is a folder; name a file"),
        (["--data", "plain.gz"], "plain.gz cannot be read as CSV, or as .gz of it: Not a gzipped"),
        (["--data", "short.gz"], "short.gz cannot be read as CSV, or as .gz of it: Compressed"),
        (["--data", "binary.csv"], "binary.csv cannot be read as CSV"),
    ],
)
def test_wrong_input_is_explained(arguments: list[str], text: str, tmp_path: Path) -> None:
    """What cannot work ends with status 2 and says why, without a traceback."""
    (tmp_path / "plain.gz").write_text("origin,time_hour\n")
    (tmp_path / "short.gz").write_bytes(DATA.read_bytes()[:10_000])
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe")
    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == 2, done.stdout + done.stderr
    assert text in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
