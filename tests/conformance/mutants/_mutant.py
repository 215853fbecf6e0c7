"""Plants a mistake into a backend of ours by replacing one piece of its source."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from infrastructure.conformance import Harness, Interface

__all__ = ["Mutant"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A mistake that somebody could make, and the checks that must notice it.

    ``name``       what the wrong backend does, as a part of a sentence: ``forgets_the_ttl``.
    ``interface``  whose checks are asked.
    ``module``     where the mistake is made, below ``package``.
    ``old``        a piece of a function of that module, there exactly once.
    ``new``        what stands there instead.
    ``caught_by``  the names of the checks that must fail, each of them.
    ``harness``    makes the backend that is asked, where it is not the one of ours.
    ``patience``   seconds that its checks wait for what must come.
    ``limit``      seconds after which a check that does not end has caught it.
    ``on_brokers`` whether that depends on brokers: the right backend must show that it is as fast.
    """

    name: str
    interface: Interface
    module: str
    old: str
    new: str
    caught_by: tuple[str, ...]
    package: str = "infrastructure"
    harness: Callable[[], Harness[Any]] | None = None
    patience: float = 0.3
    limit: float = 6.0
    on_brokers: bool = False

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Let the function have the mistake inside the block, wherever it is called from."""
        function, code = self._mutated()
        original = function.__code__
        function.__code__ = code
        _forget()

        try:
            yield
        finally:
            function.__code__ = original
            _forget()

    def _mutated(self) -> tuple[FunctionType, CodeType]:
        module = importlib.import_module(f"{self.package}.{self.module}".lstrip("."))
        source = inspect.getsource(module)
        found = source.count(self.old)
        assert found == 1, f"{self.name}: {self.old!r} is {found} times in {self.module}, not once"

        line = source[: source.index(self.old)].count("\n") + 1
        names = _enclosing(ast.parse(source), line)
        assert names, f"{self.name}: {self.old!r} is in no function"

        # A file name of its own: what runs here is not counted as coverage of the module.
        code = compile(source.replace(self.old, self.new), f"<mutant {self.name}>", "exec")
        function = _function(module, names)
        mutated = _inner(code, names)
        assert mutated.co_freevars == function.__code__.co_freevars, "it closes over other names"
        return function, mutated


def _forget() -> None:
    """Empty the caches of the package: what one code has remembered is not the other's."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "infrastructure":
            for clear in _caches(name):
                clear()


@functools.cache
def _caches(name: str) -> tuple[Callable[[], None], ...]:
    """Return what empties the caches of one module: to look for them anew takes a hundredth of a second."""
    values = vars(sys.modules[name]).values()
    return tuple(value.cache_clear for value in values if hasattr(value, "cache_clear"))


def _enclosing(tree: ast.Module, line: int) -> list[str]:
    """Return the names of the classes around ``line`` and of the outermost function there."""
    names: list[str] = []
    body: list[ast.stmt] = tree.body

    while True:
        for node in body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (
                node.lineno <= line <= (node.end_lineno or line)
            ):
                names.append(node.name)
                break
        else:
            return []

        if not isinstance(node, ast.ClassDef):
            return names

        body = node.body


def _function(module: Any, names: list[str]) -> FunctionType:
    found = module

    for name in names:
        found = inspect.getattr_static(found, name)

    if isinstance(found, property):
        found = found.fget

    found = inspect.unwrap(getattr(found, "__func__", found))
    assert isinstance(found, FunctionType), f"{'.'.join(names)} is no function"
    return found


def _inner(code: CodeType, names: list[str]) -> CodeType:
    for name in names:
        code = next(
            const
            for const in code.co_consts
            if isinstance(const, CodeType) and const.co_name == name
        )

    return code
