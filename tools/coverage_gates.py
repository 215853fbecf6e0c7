"""Compare the measured coverage with what each part of the package must reach."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
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

_COUNTS = ("covered_lines", "covered_branches", "num_statements", "num_branches")

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


def not_reached(files: Mapping[str, Any]) -> list[str]:
    """Where the folders of which everything must be reached have lines and branches that were not."""
    whole = tuple(f"{folder}/" for folder, least in GATES.items() if least == 100)
    found = {
        name: entry.get("missing_lines", []) + entry.get("missing_branches", [])
        for name, entry in files.items()
        if name.startswith(whole)
    }

    return [f"{name}: not reached: {places}" for name, places in found.items() if places]


def tree_files(folder: str) -> set[str]:
    """Return every module of the tree below ``folder``, as the report names it."""
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}


def without(files: Mapping[str, Any], unreached: list[str]) -> dict[str, dict[str, int]]:
    """Return the counts of each file less those of the checks that no backend can run yet."""
    measured = {name: dict(entry["summary"]) for name, entry in files.items()}

    for name, _, region in regions(files, unreached):
        for count in _COUNTS:
            measured[name][count] -= region["summary"][count]

    return measured


def unreached_problems(files: Mapping[str, Any], unreached: list[str]) -> list[str]:
    """Why the list of checks that did not run is not true."""
    found = list(regions(files, unreached))
    known = {function.partition(".")[0] for _, function, _ in found}
    ran = sorted({function for _, function, region in found if region["executed_lines"]})

    return [
        *(
            f"{name} is listed as not reached, and is no check"
            for name in unreached
            if name not in known
        ),
        *(f"{name} is listed as not reached, and ran" for name in ran),
    ]


def regions(
    files: Mapping[str, Any], unreached: list[str]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Give file, name and counts of the functions of those checks, nested ones too."""
    for name, entry in files.items():
        for function, region in entry.get("functions", {}).items():
            if name.startswith("infrastructure/conformance/") and (
                function.partition(".")[0] in unreached
            ):
                yield name, function, region


def main(report: Path, listed: Path) -> int:
    """Check every gate against the JSON report of coverage."""
    files: dict[str, Any] = json.loads(report.read_text())["files"]
    unreached: list[str] = json.loads(listed.read_text())
    measured = without(files, unreached)
    problems = [
        problem
        for folder, least in GATES.items()
        for problem in gate_problems(folder, least, measured, tree_files(folder))
    ]
    problems += not_reached(files) if problems else []
    problems += unreached_problems(files, unreached)
    print(f"not reached by any backend yet: {', '.join(unreached) or 'none'}")
    print(*(problems or [f"coverage: {len(GATES)} gates passed"]), sep="\n")

    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
