"""The gates of `make test` close when they should, above all when they looked at nothing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ._source import ROOT


def tool(name: str) -> ModuleType:
    """Load a script of ``tools/``, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    return module


def counts(covered: int, total: int) -> dict[str, int]:
    """Return a summary of coverage: the statements, and as many branches."""
    return {
        "covered_lines": covered,
        "num_statements": total,
        "covered_branches": covered,
        "num_branches": total,
    }


def test_the_coverage_gate_counts() -> None:
    """Exactly enough passes; a single line too few does not, however it would be rounded."""
    gate = tool("coverage_gates").gate_problems

    assert not gate("p", 100, {"p/a.py": counts(9999, 9999)}, {"p/a.py"})
    assert gate("p", 100, {"p/a.py": counts(9998, 9999)}, {"p/a.py"})
    assert not gate("p", 95, {"p/a.py": counts(95, 100)}, {"p/a.py"})
    assert gate("p", 95, {"p/a.py": counts(94, 100)}, {"p/a.py"})


def test_the_coverage_gate_wants_every_file() -> None:
    """No file at all, and a file of the tree that was not measured, close the gate."""
    gate = tool("coverage_gates").gate_problems

    assert gate("p", 0, {}, {"p/a.py"}) == ["p: no file was measured"]
    assert gate("p", 0, {"other/a.py": counts(1, 1)}, {"p/a.py"})
    assert gate("p", 0, {"p/a.py": counts(0, 0)}, set())
    assert gate("p", 0, {"p/a.py": counts(1, 1)}, {"p/a.py", "p/b.py"}) == [
        "p: not measured: p/b.py"
    ]


def test_the_coverage_gates_name_what_was_not_reached() -> None:
    """By file, with its lines and branches, where all of them must be reached."""
    missed = {"missing_lines": [7], "missing_branches": [[8, 10]]}
    files = {
        "infrastructure/_core/a.py": missed,
        "infrastructure/_core/b.py": {"missing_lines": [], "missing_branches": []},
        "infrastructure/caching/c.py": missed,
    }

    assert tool("coverage_gates").not_reached(files) == [
        "infrastructure/_core/a.py: not reached: [7, [8, 10]]"
    ]


def test_the_coverage_gates_read_the_report(tmp_path: Path) -> None:
    """A report of another tree passes no gate."""
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"files": {"elsewhere/a.py": {"summary": counts(1, 1)}}}))

    listed = tmp_path / "unreached.json"
    listed.write_text("[]")

    assert tool("coverage_gates").main(report, listed) == 1


def test_what_no_backend_reaches_is_left_out_and_listed() -> None:
    """The functions of a listed check do not count; one that ran, or is none, closes the gate."""
    gates = tool("coverage_gates")
    file = "infrastructure/conformance/a.py"
    files = {
        file: {
            "summary": counts(8, 10),
            "functions": {
                "S1_runs": {"summary": counts(8, 8), "executed_lines": [1]},
                "S5_waits": {"summary": counts(0, 1), "executed_lines": []},
                "S5_waits.inner": {"summary": counts(0, 1), "executed_lines": []},
            },
        }
    }

    assert gates.without(files, ["S5_waits"]) == {file: counts(8, 8)}
    assert not gates.unreached_problems(files, ["S5_waits"])
    assert gates.unreached_problems(files, ["S1_runs"]) == [
        "S1_runs is listed as not reached, and ran"
    ]
    assert gates.unreached_problems(files, ["S9_none"]) == [
        "S9_none is listed as not reached, and is no check"
    ]


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"typeCompleteness": {"exportedSymbolCounts": {"withKnownType": 0}}},
    ],
)
def test_the_type_gate_wants_symbols(report: dict[str, Any]) -> None:
    """A report without symbols is a failure, not a clean bill."""
    assert "saw no symbol" in tool("public_types").surface_problems(report)[0]


def test_the_type_gate_names_what_is_unknown() -> None:
    """An exported symbol without a known type is named; a private one is not."""
    symbols = [
        {"name": "known", "isExported": True, "isTypeKnown": True, "diagnostics": []},
        {"name": "private", "isExported": False, "isTypeKnown": False, "diagnostics": []},
        {"name": "bad", "isExported": True, "isTypeKnown": False, "diagnostics": []},
    ]
    report = {
        "typeCompleteness": {"exportedSymbolCounts": {"withKnownType": 1}, "symbols": symbols}
    }

    assert tool("public_types").surface_problems(report) == ["bad: its type is not known"]
