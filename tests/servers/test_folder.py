"""The servers are for benchmarks too, which have no pytest."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent


def needs_pytest(text: str) -> bool:
    """Whether it imports pytest, or the file that does."""
    names = [
        alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    return any({"pytest", "fixtures"} & set(name.split(".")) for name in names)


def test_a_need_of_pytest_is_found() -> None:
    """In each spelling."""
    assert needs_pytest("import pytest")
    assert needs_pytest("from pytest import fixture")
    assert needs_pytest("from . import fixtures")
    assert needs_pytest("from .fixtures import valkey")
    assert not needs_pytest("from . import shared\nimport redis.asyncio")


def test_only_the_fixtures_need_pytest() -> None:
    """And the tests, of course."""
    files = [path for path in HERE.glob("*.py") if not path.name.startswith("test_")]
    assert len(files) > 8
    assert [path.name for path in files if needs_pytest(path.read_text("utf-8"))] == ["fixtures.py"]
