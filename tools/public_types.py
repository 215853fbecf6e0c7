"""Run pyright on the tree, then demand that every public symbol has a complete type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def pyright(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pyright as if the environment of this interpreter were activated.

    Unactivated, it finds no package to verify and scores nothing. The node of
    the environment is taken, whatever other node the machine may have.
    """
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(BIN.parent),
        "PYRIGHT_PYTHON_GLOBAL_NODE": "0",
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
    }

    return subprocess.run(
        [BIN / "pyright", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def project_problems() -> list[str]:
    """What pyright says about the configured files, or that there were none."""
    result = pyright("--outputjson")
    report: dict[str, Any] = json.loads(result.stdout)

    if report["summary"]["filesAnalyzed"] == 0:
        return ["pyright analysed no file"]

    return [
        f"{found['file']}:{found['range']['start']['line'] + 1}: {found['message']}"
        for found in report["generalDiagnostics"]
        if found["severity"] == "error"
    ]


def surface_problems(report: dict[str, Any]) -> list[str]:
    """What ``--verifytypes`` found incomplete, or that it looked at nothing."""
    completeness = report.get("typeCompleteness", {})
    counts = completeness.get("exportedSymbolCounts", {})

    if sum(counts.values()) == 0:
        reasons = [found["message"] for found in report.get("generalDiagnostics", [])]
        return [f"pyright --verifytypes saw no symbol: {reasons}"]

    return [
        f"{symbol['name']}: {found['message']}"
        for symbol in completeness["symbols"]
        if symbol["isExported"] and not symbol["isTypeKnown"]
        for found in symbol["diagnostics"] or [{"message": "its type is not known"}]
    ]


def main() -> int:
    """Print every problem; the exit code says whether there was one."""
    report: dict[str, Any] = json.loads(
        pyright("--verifytypes", "infrastructure", "--ignoreexternal", "--outputjson").stdout
    )
    problems = [*project_problems(), *surface_problems(report)]
    score = report.get("typeCompleteness", {}).get("completenessScore", 0)
    print(*problems, f"pyright: {len(problems)} problems, {score:.2%} of the surface", sep="\n")

    return 1 if problems or score < 1 else 0


if __name__ == "__main__":
    sys.exit(main())
