"""The checks let a correct minimal storage pass, and name what a wrong one breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure.conformance._check import Check
from infrastructure.conformance._harness import wanted
from infrastructure.conformance.storage import CHECKS

from .toy_storages import (
    RollbackDoesNothing,
    SwapsPlaceholders,
    ToyHarness,
    TypedHarness,
    WritesRowByRow,
)


def _asked(harness: type[ToyHarness]) -> list[Check]:
    return [check for check in CHECKS if wanted(check, harness)]


async def _broken(harness: type[ToyHarness], folder: Path) -> set[str]:
    broken = set()

    for check in _asked(harness):
        own = folder / check.name
        own.mkdir()

        try:
            await check.run(harness(own))
        except Exception as exc:  # noqa: BLE001 - an unexpected error is caught as well
            broken.add(check.name if str(exc) else f"{check.name} fails without a word")

    return broken


@pytest.mark.parametrize(
    "check",
    _asked(ToyHarness),
    ids=lambda check: check.name,
)
async def test_a_minimal_storage_passes_the_core_checks(check: Check, tmp_path: Path) -> None:
    """The abstract methods alone make a complete backend of level core."""
    await check.run(ToyHarness(tmp_path))


def test_the_core_is_not_the_whole() -> None:
    """The lines that bind every backend, and none of the others."""
    lines = {check.line for check in _asked(ToyHarness) if check.absent is None}
    assert lines == {
        *("G1", "G3", "G4", "G11", "S1", "S2", "S3", "S6", "S7", "S12"),
        *("E1", "E2", "E3"),
    }
    assert {check.line for check in CHECKS} >= {f"S{n}" for n in range(1, 16) if n != 11}


async def test_a_storage_whose_rollback_does_nothing_is_caught(tmp_path: Path) -> None:
    """Every check of a transaction's end."""

    class Harness(ToyHarness):
        kind = RollbackDoesNothing

    broken = await _broken(Harness, tmp_path)
    assert {
        "S6_it_is_a_part_of_the_open_transaction",
        "S7_a_failed_statement_aborts_the_transaction",
        "S7_commit_of_an_aborted_one_rolls_back_and_raises",
        "S7_disconnect_rolls_back",
        "S7_rollback_undoes",
    } <= broken
    assert not {name for name in broken if name.startswith(("S2", "S3", "S12", "G"))}


async def test_a_storage_that_writes_row_by_row_is_caught(tmp_path: Path) -> None:
    """Rows before the bad one stay."""

    class Harness(ToyHarness):
        kind = WritesRowByRow

    broken = await _broken(Harness, tmp_path)
    assert {
        "S6_a_bad_row_undoes_all",
        "S6_a_row_of_another_length_undoes_all",
        "S6_an_error_of_the_iterable_comes_back",
    } == {name for name in broken if name.startswith("S")}


async def test_a_storage_that_swaps_placeholders_is_caught(tmp_path: Path) -> None:
    """What SQLite does with ``$2, $1``."""

    class Harness(ToyHarness):
        kind = SwapsPlaceholders

    assert "S2_placeholders_bind_by_number" in await _broken(Harness, tmp_path)


async def test_a_storage_that_loses_types_is_caught(tmp_path: Path) -> None:
    """What only the plain types of SQLite comes back of."""
    asked = {check.name for check in _asked(TypedHarness) if check.feature == "typed_values"}
    names = set()

    for check in _asked(TypedHarness):
        if check.feature != "typed_values":
            continue

        own = tmp_path / check.name
        own.mkdir()

        # The driver's own refusal of a value is no error of ours: it is caught as well.
        try:
            await check.run(TypedHarness(own))
        except Exception:  # noqa: BLE001 - whatever comes out, the storage is caught
            names.add(check.name)

    assert "S5_values_come_back_type_exact" in names
    assert len(names) > len(asked) // 2
