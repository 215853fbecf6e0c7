"""``__all__`` is sorted and says what is public, in every public module."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator

from ._source import Module, package, parsed


def top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement that runs at import, those under ``if`` and ``try`` included."""
    for node in body:
        yield node

        for field in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try):
                yield from top_level(getattr(node, field, []))

        if isinstance(node, ast.Try):
            yield from (each for handler in node.handlers for each in top_level(handler.body))


def defined_names(module: Module) -> set[str]:
    """Collect the public names that the module itself defines; what it imports is not its own."""
    names: set[str] = set()

    for node in top_level(module.tree.body):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.AsyncFunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar" | "ParamSpec"))):
                pass  # a type variable is notation: nobody imports it
            case ast.Assign(targets=targets):
                names |= {
                    each.id
                    for target in targets
                    for each in ast.walk(target)
                    if isinstance(each, ast.Name)
                }
            case _:
                pass

    return {name for name in names if not name.startswith("_")}


def declared(module: Module) -> list[str] | None:
    """Return ``__all__`` as it is written, or None where it is missing or computed."""
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() as names):
                return list(ast.literal_eval(names))
            case _:
                pass

    return None


def order(name: str) -> tuple[int, list[str]]:
    """Constants, then classes, then the rest, 4 before 10: the order that ruff keeps (RUF022)."""
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2

    return kind, [part.zfill(9) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def export_problems(module: Module) -> list[str]:
    """Say how ``__all__`` differs from what it should be."""
    names = declared(module)

    if names is None:
        # A package that only holds others has nothing to export.
        only_docstring = not module.tree.body[1:]
        return [] if only_docstring else [f"{module.path}: no __all__"]

    unlisted = sorted(defined_names(module) - set(names))
    problems = [f"{module.path}: {name} is not in __all__" for name in unlisted]

    if names != sorted(set(names), key=order):
        problems.append(f"{module.path}: __all__ is not sorted")

    return problems


def public_modules() -> list[Module]:
    """Every module that users may import."""
    return [module for module in package() if module.is_public]


def test_wrong_exports_are_found() -> None:
    """Missing, unsorted, doubled and incomplete lists are seen; private names are free."""
    assert export_problems(parsed('"""Doc."""\nx = 1'))
    assert export_problems(parsed("__all__ = ['b', 'a']\na = b = 1"))
    assert export_problems(parsed("__all__ = ['a', 'a']\na = 1"))
    assert export_problems(parsed("__all__ = []\nif True:\n    def f(): ..."))
    assert export_problems(parsed("__all__ = []\ntry:\n    x = 1\nexcept OSError:\n    y = 1"))
    assert not export_problems(parsed("import os\n__all__ = ['A', 'f']\n_x = 1\nA = f = _x"))
    assert not export_problems(parsed("__all__ = ['C4_x', 'C10_x']\nC4_x = C10_x = 1"))
    assert not export_problems(parsed("__all__ = []\nT = TypeVar('T')"))
    assert not export_problems(parsed('"""Only a docstring."""'))


def test_all_is_what_is_public() -> None:
    """Every public name of a public module is in its ``__all__``, which is sorted."""
    assert len(public_modules()) > 8
    found = [problem for module in public_modules() for problem in export_problems(module)]

    assert not found


def test_exported_names_exist() -> None:
    """Each name in an ``__all__`` can be imported, with all extras installed."""
    missing, looked_at = [], 0

    for module in public_modules():
        loaded = importlib.import_module(".".join(module.parts))
        names = declared(module) or []
        looked_at += len(names)
        missing += [f"{module.path}: {name}" for name in names if not hasattr(loaded, name)]

    assert looked_at > 20
    assert not missing
