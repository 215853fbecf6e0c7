"""Every line of the contract is proved by checks, and every check notices a mutant."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from infrastructure.conformance import LINES

from ..architecture._source import ROOT


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The script that writes the table."""
    spec = importlib.util.spec_from_file_location(
        "contract_table", ROOT / "tools/contract_table.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_is_no_gap(tool: ModuleType) -> None:
    """But those that only a later backend can show, which are listed as such."""
    assert tool.gaps() == []


def test_a_gap_would_be_found(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without a check, a check without a mutant, and what is listed wrongly."""
    monkeypatch.setattr(tool, "LINES", {**tool.LINES, "S99": "nobody proves it"})
    monkeypatch.setattr(tool, "LATER", {"C5": "is proved"})
    monkeypatch.setattr(
        tool, "MUTANTS", [each for each in tool.MUTANTS if "C5_" not in str(each.caught_by)]
    )
    found = tool.gaps()
    assert "S99 has no check" in found
    assert "C5 is proved, and listed as one for later" in found
    assert "C5_ttl_is_rounded_up of caching notices no mutant" in found


def test_the_page_is_up_to_date(tool: ModuleType) -> None:
    """It is generated: `python tools/contract_table.py`."""
    assert tool.FILE.read_text(encoding="utf-8") == tool.table()


def test_what_proves_a_line_elsewhere_is_there(tool: ModuleType) -> None:
    """A file that was moved takes its proof along."""
    assert tool.ELSEWHERE.keys() | tool.LATER.keys() <= LINES.keys()
    assert all((ROOT / place).is_file() for place in tool.ELSEWHERE.values())
