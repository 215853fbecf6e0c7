"""Show which checks notice a mutant: for its ``caught_by``, and for finding checks that are weak.

usage: python tools/mutant_kills.py [NAME ...]    (no name: every mutant)
"""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infrastructure.conformance import harnesses_of, prove
from tests.conformance.mutants import MUTANTS
from tests.conformance.patience import waiting
from tests.conformance.test_mutants import URLS


def main(patterns: list[str]) -> None:
    """Run every check against each mutant of such a name."""
    for mutant in MUTANTS:
        if not any(fnmatchcase(mutant.name, pattern) for pattern in patterns or ["*"]):
            continue

        with mutant.planted(), waiting(mutant.patience):
            make = mutant.harness or harnesses_of(URLS[mutant.interface])[mutant.interface]
            report = prove(make, backend=mutant.name, faults=True, limit=mutant.limit)

        print(f"{mutant.name}: {len(report.of('failed'))} of {len(mutant.caught_by)} expected")

        for result in report.of("failed"):
            mark = " " if result.check.name in mutant.caught_by else "+"
            print(f"  {mark} {result.check.name}: {result.reason:.100}")

        for name in set(mutant.caught_by) - {one.check.name for one in report.of("failed")}:
            print(f"  - {name} did not notice")


if __name__ == "__main__":
    main(sys.argv[1:])
