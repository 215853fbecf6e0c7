"""Files and functions stay small."""

from __future__ import annotations

import ast

from ._source import Module, everything, parsed

FILE_LIMIT = 400
FUNCTION_LIMIT = 40


def long_files(modules: tuple[Module, ...]) -> list[str]:
    """Name the files with more lines than the limit."""
    return [
        f"{module.path}: {lines} lines"
        for module in modules
        if (lines := len(module.text.splitlines())) > FILE_LIMIT
    ]


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end; the docstring, which may be a contract, is not counted."""
    first = function.body[0]
    is_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0

    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def long_functions(modules: tuple[Module, ...]) -> list[str]:
    """Name the functions with more lines than the limit."""
    return [
        f"{module.path}:{node.lineno}: {node.name} has {lines} lines"
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := code_lines(node)) > FUNCTION_LIMIT
    ]


def test_a_long_file_is_found() -> None:
    """401 lines are too many, 400 are not."""
    assert long_files((parsed("x = 1\n" * 401),)) == ["infrastructure/planted.py: 401 lines"]
    assert not long_files((parsed("x = 1\n" * 400),))


def test_a_long_function_is_found() -> None:
    """41 lines are too many, also in a method; 40 lines and a docstring are not."""
    body = "        x = 1\n"
    long = parsed("class A:\n    async def f(self):\n" + body * 40)
    short = parsed('class A:\n    async def f(self):\n        """Doc."""\n' + body * 39)

    assert long_functions((long,)) == ["infrastructure/planted.py:2: f has 41 lines"]
    assert not long_functions((short,))


def test_files_are_short() -> None:
    """No file of the repository has more than 400 lines."""
    assert len(everything()) > 20
    found = long_files(everything())

    assert not found


def test_functions_are_short() -> None:
    """No function of the repository has more than 40 lines of code."""
    assert sum("def " in module.text for module in everything()) > 15
    found = long_functions(everything())

    assert not found
