"""The minimal storage in a folder of its own: what the inherited methods are asked of."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from ...toy_storages import ToyHarness

__all__ = ["Core"]


class Core(ToyHarness):
    """Claims nothing beyond the core."""

    def __init__(self) -> None:
        super().__init__(Path())

    async def open(self) -> None:
        """Make the folder."""
        self.path = Path(tempfile.mkdtemp(prefix="toy-"), self.path.name)

    async def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path.parent)
