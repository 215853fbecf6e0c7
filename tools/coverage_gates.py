"""Compare the measured coverage with what each part of the package must reach."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

GATES = {
    "infrastructure/interfaces": 100,
    "infrastructure/_core": 100,
    "infrastructure/conformance": 100,
    "infrastructure": 95,
}
"""Folder → per cent of lines and branches together."""

Counts = Mapping[str, Mapping[str, int]]


def gate_problems(folder: str, least: int, measured: Counts, expected: set[str]) -> list[str]:
    """Why ``folder`` does not pass; a file that was not measured at all is a reason too."""
    files = {name: counts for name, counts in measured.items() if name.startswith(f"{folder}/")}

    if not files or not expected:
        return [f"{folder}: no file was measured"]

    missing = sorted(expected - files.keys())

    if missing:
        return [f"{folder}: not measured: {', '.join(missing)}"]

    covered = sum(c["covered_lines"] + c["covered_branches"] for c in files.values())
    total = sum(c["num_statements"] + c["num_branches"] for c in files.values())

    # Whole numbers: 99.96 % must not round up to 100.
    if covered * 100 >= least * total:
        return []

    return [f"{folder}: {covered} of {total} is {100 * covered / total:.2f} %, below {least} %"]


def tree_files(folder: str) -> set[str]:
    """Return every module of the tree below ``folder``, as the report names it."""
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}


def main(report: Path) -> int:
    """Check every gate against the JSON report of coverage."""
    data: dict[str, Any] = json.loads(report.read_text())
    measured = {name: entry["summary"] for name, entry in data["files"].items()}
    problems = [
        problem
        for folder, least in GATES.items()
        for problem in gate_problems(folder, least, measured, tree_files(folder))
    ]
    print(*(problems or [f"coverage: {len(GATES)} gates passed"]), sep="\n")

    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
