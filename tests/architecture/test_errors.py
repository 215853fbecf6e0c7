"""Every exception of the package survives pickling and copying with all it carries."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle  # noqa: TID251 - what the tests are about; the package itself never uses it
import pkgutil
from typing import Any

import pytest

import infrastructure
from infrastructure.interfaces import exceptions

FIELDS: dict[str, Any] = {
    "retryable": True,
    "outcome": "unknown",
    "sqlstate": "40001",
    "row_index": 3,
    "failed_keys": ("a", "b"),
    "backend": "planted",
    "operation": "get",
}


def is_public(cls: type) -> bool:
    """Whether users can meet it: ours by its base, or defined where users import from."""
    parts = f"{cls.__module__}.{cls.__qualname__}".split(".")

    return parts[0] == "infrastructure" and (
        issubclass(cls, exceptions.InfrastructureError)
        or not any(part.startswith("_") for part in parts)
    )


def exception_classes() -> list[type[BaseException]]:
    """Every public exception class of the package."""
    found = set()

    for module in pkgutil.walk_packages(infrastructure.__path__, "infrastructure."):
        if module.name.endswith("__main__"):
            continue

        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, BaseException) and is_public(value):
                found.add(value)

    return sorted(found, key=lambda cls: cls.__qualname__)


def keyword_names(cls: type[BaseException]) -> list[str]:
    """Name the keyword-only arguments of the constructor."""
    if cls.__init__ in (Exception.__init__, BaseException.__init__):
        return []

    return [
        name
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]


def samples(cls: type[BaseException]) -> list[BaseException]:
    """One without arguments, one with a message, one with every field."""
    fields = {name: FIELDS.get(name, f"a {name}") for name in keyword_names(cls)}

    return [cls(), cls("what was tried"), cls("what was tried", **fields)]


def difference(left: BaseException, right: BaseException) -> str:
    """Say in what two exceptions differ: type, text, arguments or fields."""
    for name in ("__class__", "args", "__dict__"):
        if getattr(left, name) != getattr(right, name):
            return f"{name}: {getattr(left, name)!r} became {getattr(right, name)!r}"

    return "" if str(left) == str(right) else f"text: {left} became {right}"


def losses(cls: type[BaseException]) -> list[str]:
    """Say what every way of copying loses."""
    found = []

    for error in samples(cls):
        copies = [
            *(
                pickle.loads(pickle.dumps(error, protocol))
                for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
            ),
            copy.copy(error),
            copy.deepcopy(error),
        ]
        found += [lost for each in copies if (lost := difference(error, each))]

    return found


class FormattedError(Exception):
    """A planted bad one: it formats its text, so that unpickling formats it twice."""

    def __init__(self, message: str = "", *, operation: str = "") -> None:
        super().__init__(f"{operation} failed: {message}")


class ForgetfulError(Exception):
    """A planted bad one: its field is neither an argument nor in its ``__dict__``."""

    __slots__ = ("operation",)

    def __init__(self, message: str = "", *, operation: str = "") -> None:
        super().__init__(message)
        self.operation = operation

    def __str__(self) -> str:
        return f"{self.args[0]} in {getattr(self, 'operation', 'nothing')}"


@pytest.mark.parametrize("cls", [FormattedError, ForgetfulError])
def test_a_lossy_exception_is_found(cls: type[BaseException]) -> None:
    """Errors that change on the way through pickle are seen."""
    assert losses(cls)


def test_all_errors_of_the_contract_are_looked_at() -> None:
    """The tree of errors has nine classes at least, and each of them is tested below."""
    names = {cls.__name__ for cls in exception_classes() if cls.__module__ == exceptions.__name__}

    assert names == set(exceptions.__all__) - {"Outcome"}
    assert len(names) >= 9


@pytest.mark.parametrize("cls", exception_classes(), ids=lambda cls: cls.__qualname__)
def test_errors_survive_pickle_and_copy(cls: type[BaseException]) -> None:
    """On every protocol type, message and fields stay."""
    assert not losses(cls)
