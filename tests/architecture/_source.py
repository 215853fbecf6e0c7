"""The source files as the architecture tests see them: read and parsed once."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ROOT", "Module", "calls_and_names", "everything", "package", "parsed"]

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("infrastructure", "tests", "tools", "benchmarks", "examples")


@dataclass(frozen=True)
class Module:
    """One Python file: where it stands, its text and its tree."""

    path: str
    text: str = field(repr=False)
    tree: ast.Module = field(repr=False)

    @functools.cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All of its tree: a walk costs more than what is looked for on it."""
        return tuple(ast.walk(self.tree))

    @property
    def parts(self) -> tuple[str, ...]:
        """Its dotted name, split: ``("infrastructure", "caching", "memory")``."""
        return tuple(self.path.removesuffix(".py").removesuffix("/__init__").split("/"))

    @property
    def is_public(self) -> bool:
        """Whether users may import it: nothing in its path begins with an underscore."""
        return not any(part.startswith("_") for part in self.parts)


def parsed(text: str, path: str = "infrastructure/planted.py") -> Module:
    """Make a module of a text, such as a planted bad sample."""
    return Module(path, text, ast.parse(text))


def everything() -> tuple[Module, ...]:
    """Every Python file of the repository."""
    return tuple(module for folder in FOLDERS for module in _folder(folder))


def package() -> tuple[Module, ...]:
    """Every Python file of the package."""
    return _folder("infrastructure")


@functools.cache
def _folder(name: str) -> tuple[Module, ...]:
    return tuple(
        parsed(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
        for path in sorted((ROOT / name).rglob("*.py"))
    )


def calls_and_names(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Every name and attribute that is read or imported, with its line."""
    for node in nodes:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case _:
                pass
