"""Every module begins alike, and imports its neighbours relatively."""

from __future__ import annotations

import ast

from ._source import Module, everything, package, parsed


def header_problems(module: Module) -> list[str]:
    """Say what is missing where the module begins."""
    if ast.get_docstring(module.tree) is None:
        return [f"{module.path}: no docstring"]

    match module.tree.body[1:]:
        case []:
            return []
        case [ast.ImportFrom(module="__future__", names=[ast.alias(name="annotations")]), *_]:
            return []
        case _:
            return [f"{module.path}: `from __future__ import annotations` does not come second"]


def absolute_imports(module: Module) -> list[str]:
    """Name the imports that spell the package out."""
    found = []

    for node in module.nodes:
        match node:
            case ast.Import(names=names):
                targets = [alias.name for alias in names]
            case ast.ImportFrom(module=str(name), level=0):
                targets = [name]
            case _:
                continue

        found += [
            f"{module.path}:{node.lineno}: {target}"
            for target in targets
            if target.split(".")[0] == "infrastructure"
        ]

    return found


def test_a_bad_beginning_is_found() -> None:
    """A missing docstring and a late or missing future import are seen."""
    assert header_problems(parsed("import os"))
    assert header_problems(parsed('"""Doc."""\nimport os'))
    assert header_problems(parsed('"""Doc."""\nimport os\nfrom __future__ import annotations'))
    assert not header_problems(parsed('"""Doc."""'))
    assert not header_problems(parsed('"""Doc."""\nfrom __future__ import annotations\nimport os'))


def test_an_absolute_import_is_found() -> None:
    """Both spellings are seen; another package whose name begins alike is not meant."""
    assert absolute_imports(parsed("import infrastructure.interfaces"))
    assert absolute_imports(parsed("def f():\n    from infrastructure import interfaces"))
    assert not absolute_imports(parsed("from .. import interfaces\nimport infrastructures"))


def test_modules_begin_with_docstring_and_future_import() -> None:
    """A one-sentence docstring comes first, the future import second."""
    assert len(everything()) > 20
    found = [problem for module in everything() for problem in header_problems(module)]

    assert not found


def test_imports_inside_the_package_are_relative() -> None:
    """So that a folder of it can be copied under another name."""
    assert len(package()) > 15
    found = [problem for module in package() for problem in absolute_imports(module)]

    assert not found
