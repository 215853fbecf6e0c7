"""What the package never does: each rule has its reason in CONTRIBUTING."""

from __future__ import annotations

import ast

import pytest

from ._source import Module, calls_and_names, package, parsed

# They run what they read, or write what only they can read.
UNSAFE_MODULES = {"cloudpickle", "dill", "jsonpickle", "marshal", "pickle", "shelve", "yaml"}
UNSAFE_CALLS = {"__import__", "compile", "eval", "exec"}
# wait_for can lose a cancellation on 3.11; an ABC says "abstract", NotImplementedError only hopes.
UNSAFE_NAMES = {"NotImplementedError", "wait_for"}

TASK_MAKERS = {"TaskGroup", "create_task", "ensure_future"}
TASK_HOMES = ("infrastructure/interfaces/_context.py", "infrastructure/_core/tasks.py")
# These run in the foreground of a test or a terminal: their tasks and variables are their own.
FOREGROUND = ("infrastructure/conformance/", "infrastructure/testing/", "infrastructure/cli/")

AMBIGUOUS = {"ConnectionError", "TimeoutError"}

CONTEXT_HOMES = ("infrastructure/interfaces/_context.py", "infrastructure/interfaces/messaging.py")


def imported_modules(module: Module) -> list[tuple[int, str]]:
    """Every module that is imported absolutely, by its first name."""
    found = []

    for node in module.nodes:
        match node:
            case ast.Import(names=names):
                found += [(node.lineno, alias.name.split(".")[0]) for alias in names]
            case ast.ImportFrom(module=str(name), level=0):
                found.append((node.lineno, name.split(".")[0]))
            case _:
                pass

    return found


def unsafe(module: Module) -> list[str]:
    """Name the uses of what loses cancellations, runs data or hides a missing method."""
    found = [
        *((line, name) for line, name in imported_modules(module) if name in UNSAFE_MODULES),
        *((line, name) for line, name in calls_and_names(module.nodes) if name in UNSAFE_NAMES),
        *(
            (node.lineno, node.func.id)
            for node in module.nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if node.func.id in UNSAFE_CALLS
        ),
    ]

    return [f"{module.path}:{line}: {name}" for line, name in found]


def stray_tasks(module: Module) -> list[str]:
    """Name the places that make tasks where none may be made."""
    if module.path in TASK_HOMES or module.path.startswith(FOREGROUND):
        return []

    return [
        f"{module.path}:{line}: {name}"
        for line, name in calls_and_names(module.nodes)
        if name in TASK_MAKERS
    ]


def stray_context_variables(module: Module) -> list[str]:
    """Name the places that make context variables where none may be made."""
    if module.path in CONTEXT_HOMES or module.path.startswith(FOREGROUND):
        return []

    return [
        f"{module.path}:{node.lineno}"
        for node in module.nodes
        if isinstance(node, ast.Call)
        if "ContextVar" in {name for _, name in calls_and_names(ast.walk(node.func))}
    ]


def ambiguous_errors(module: Module) -> list[str]:
    """Name the builtin errors that are written as ours are."""
    own = {node.name for node in module.nodes if isinstance(node, ast.ClassDef)}
    own |= {
        alias.asname or alias.name
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and node.level > 0
        for alias in node.names
    }

    return [
        f"{module.path}:{node.lineno}: {node.id}"
        for node in module.nodes
        if isinstance(node, ast.Name) and node.id in AMBIGUOUS - own
    ]


@pytest.mark.parametrize(
    "sample",
    [
        "import asyncio\nasyncio.wait_for(x, 1)",
        "from asyncio import wait_for",
        "import pickle",
        "def f():\n    from yaml import safe_load",
        "eval('1')",
        "raise NotImplementedError",
        "raise NotImplementedError('later')",
    ],
)
def test_an_unsafe_use_is_found(sample: str) -> None:
    """Each forbidden thing is seen in every spelling."""
    assert unsafe(parsed(sample))


def test_a_safe_use_is_not_found() -> None:
    """Methods that only share a name with a builtin are nobody's business."""
    assert not unsafe(parsed("import re\nre.compile('x')\nreturn_value = NotImplemented"))


@pytest.mark.parametrize(
    "sample",
    [
        "asyncio.create_task(f())",
        "loop.create_task(f())",
        "from asyncio import ensure_future",
        "async def f():\n    async with asyncio.TaskGroup() as group: ...",
    ],
)
def test_a_stray_task_is_found(sample: str) -> None:
    """A task made elsewhere is seen; in its home it is at home."""
    assert stray_tasks(parsed(sample, "infrastructure/caching/planted.py"))
    assert not stray_tasks(parsed(sample, "infrastructure/_core/tasks.py"))


def test_a_stray_context_variable_is_found() -> None:
    """Making one is seen, annotating one is not."""
    made = "import contextvars\n_x: contextvars.ContextVar[int] = contextvars.ContextVar('x')"

    assert stray_context_variables(parsed(made))
    assert not stray_context_variables(parsed("def f(x: ContextVar[int]): ..."))


def test_an_ambiguous_error_is_found() -> None:
    """Without an import of ours the bare name is Python's, whatever the writer meant."""
    caught = "try: ...\nexcept TimeoutError: ..."

    assert ambiguous_errors(parsed(caught))
    assert not ambiguous_errors(parsed(f"from .errors import TimeoutError\n{caught}"))
    assert not ambiguous_errors(parsed("import builtins\nbuiltins.TimeoutError"))


def test_nothing_unsafe_is_used() -> None:
    """No lost cancellation, no data that runs, no method that only pretends to be abstract."""
    assert len(package()) > 15
    found = [each for module in package() for each in unsafe(module)]

    assert not found


def test_tasks_are_made_in_two_places() -> None:
    """Only there they get an empty context and cannot die silently."""
    homes = [module.path for module in package() if module.path in TASK_HOMES]

    assert sorted(homes) == sorted(TASK_HOMES)
    found = [each for module in package() for each in stray_tasks(module)]

    assert not found


def test_context_variables_are_made_in_the_interfaces() -> None:
    """The mixins need them, and nobody else may hide state from the reader."""
    homes = [module.path for module in package() if module.path in CONTEXT_HOMES]

    assert sorted(homes) == sorted(CONTEXT_HOMES)
    found = [each for module in package() for each in stray_context_variables(module)]

    assert not found


def test_builtin_errors_are_written_in_full() -> None:
    """`ConnectionError` and `TimeoutError` are ours; Python's are `builtins.` ones."""
    assert len(package()) > 15
    found = [each for module in package() for each in ambiguous_errors(module)]

    assert not found
