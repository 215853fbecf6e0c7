"""What docs/how-to/test-with-faults.md shows works as it stands there."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from infrastructure.testing import ChaosProxy, ServerProcess

from .test_how_to import ROOT, blocks, run

PAGE = (ROOT / "docs" / "how-to" / "test-with-faults.md").read_text("utf-8")
SOURCE = "\n\n".join(blocks("python", PAGE))
SETTINGS = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


def verdict(folder: Path, source: str) -> str:
    """Run the file of the page with pytest; return the last line of what it says."""
    (folder / "test_faults.py").write_text(source, "utf-8")
    (folder / "pytest.ini").write_text(SETTINGS, "utf-8")
    done = run(folder, "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    return (done.stdout + done.stderr).splitlines()[-1]


@pytest.mark.slow
def test_the_file_on_the_page_passes(tmp_path: Path) -> None:
    """Its blocks, one after another."""
    assert verdict(tmp_path, SOURCE).startswith("5 passed in ")


@pytest.mark.slow
def test_without_its_transaction_the_transfer_fails(tmp_path: Path) -> None:
    """As the page says: its check can fail."""
    block = "    async with storage.transaction():\n        await"
    assert SOURCE.count(block) == 1
    bare = SOURCE.replace(block, "    if True:\n        await")
    assert verdict(tmp_path, bare).startswith("1 failed, 4 passed in ")


def test_every_fault_is_on_the_page() -> None:
    """The tables have the methods of the proxy and of the process, and no others."""
    methods = {
        name
        for tool in (ChaosProxy, ServerProcess)
        for name, member in vars(tool).items()
        if not name.startswith("_") and inspect.isfunction(member)
    }
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"(\w+)\(", row)} == methods
