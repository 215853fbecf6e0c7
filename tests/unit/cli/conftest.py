"""A folder of somebody's, with backends right and wrong, in which commands are run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MINE = """
import logging

from infrastructure.caching.memory import MemoryCache
from infrastructure.conformance import CachingHarness, FaultHarness, StorageHarness
from infrastructure.conformance.harnesses.memory import MemoryCacheHarness as Good
from infrastructure.interfaces import CachingInterface


class Forgets(MemoryCache):
    async def exists(self, key):
        await super().exists(key)
        return False


class Wrong(Good):
    def make(self, **options):
        return Forgets(self._url, clock=self._clock, **options)


class Breakable(Good):
    missing = {"server_faults": "nobody may stop it", "durable": "it is not"}
    faults = FaultHarness(("127.0.0.1", 1))


class Misspelt(CachingHarness):
    missing = {"bacth": "none"}


class Broken:
    def __init__(self):
        raise RuntimeError("no server at redis://me:hunter2@localhost [/bold]")


class NoServer(Good):
    async def open(self):
        logging.getLogger("theirs").warning("port 1 is closed")
        raise OSError("no server")


class Half(CachingInterface):
    pass


class Needs:
    def __init__(self, url):
        pass


number = 5


def text():
    return "no backend"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder with the module ``mine``, and with two that cannot be imported."""
    (tmp_path / "mine.py").write_text(MINE, "utf-8")
    (tmp_path / "lacks.py").write_text("import there_is_no_such_library\n", "utf-8")
    (tmp_path / "fails.py").write_text("1 / 0\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path

    for name in ("mine", "lacks", "fails"):
        sys.modules.pop(name, None)
