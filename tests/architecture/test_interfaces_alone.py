"""The interfaces need the standard library only, and work as a copy under another name."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from ._source import ROOT, Module, package, parsed
from .test_forbidden import imported_modules

USE = """
import asyncio, pkgutil, sys

import contracts

for module in pkgutil.iter_modules(contracts.__path__, "contracts."):
    __import__(module.name)


class Cache(contracts.CachingInterface):
    def __init__(self): self.values = {}
    async def connect(self): pass
    async def disconnect(self): pass
    async def get(self, key): return self.values.get(key)
    async def set(self, key, value, ttl=None): self.values[key] = value
    async def delete(self, key): return self.values.pop(key, None) is not None
    async def exists(self, key): return key in self.values
    async def ttl(self, key): return None
    async def scan_keys(self, pattern): return list(self.values)


async def main():
    async with Cache() as cache:
        await cache.set_many({"a": 1, "b": None})
        return await cache.get_many(["a", "b", "c"])


assert asyncio.run(main()) == {"a": 1, "b": None}
assert "infrastructure" not in sys.modules
foreign = {name.split(".")[0] for name in sys.modules} - sys.stdlib_module_names
print(*sorted(name for name in foreign if not name.startswith("_")))
"""


def outside_imports(module: Module) -> list[str]:
    """Name the imports that reach beyond the folder and the standard library."""
    found = [
        f"{module.path}:{line}: {name}"
        for line, name in imported_modules(module)
        if name not in sys.stdlib_module_names
    ]
    # The folder is flat: two dots lead out of it.
    found += [
        f"{module.path}:{node.lineno}: {'.' * node.level}{node.module or ''}"
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and node.level > 1
    ]

    return found


def interface_modules() -> list[Module]:
    """Every module of the interfaces."""
    return [module for module in package() if module.parts[1:2] == ("interfaces",)]


def test_an_outside_import_is_found() -> None:
    """Third-party modules and the rest of the package are seen."""
    assert outside_imports(parsed("def f():\n    import redis"))
    assert outside_imports(parsed("from .._core import names"))
    assert outside_imports(parsed("import infrastructure.interfaces"))
    assert not outside_imports(parsed("import asyncio\nfrom . import caching\nfrom .x import y"))


def test_the_interfaces_import_the_standard_library_only() -> None:
    """So that a project may copy the folder instead of depending on the package."""
    assert len(interface_modules()) >= 5
    found = [each for module in interface_modules() for each in outside_imports(module)]

    assert not found


def test_a_copy_of_the_interfaces_works_alone(tmp_path: Path) -> None:
    """In another place, under another name, without site-packages, a cache can be written on it."""
    shutil.copytree(ROOT / "infrastructure" / "interfaces", tmp_path / "contracts")
    script = tmp_path / "use.py"
    script.write_text(USE)
    # -S leaves site-packages out, -E the environment; the script's own folder stays.
    result = subprocess.run(
        [sys.executable, "-E", "-S", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split() == ["contracts"]
