"""The folder of the examples, from which they import each other."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

__all__ = ["EXAMPLES", "example"]

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> ModuleType:
    """Import an example as a program in its folder would."""
    sys.path.insert(0, str(EXAMPLES))

    try:
        return import_module(name)
    finally:
        sys.path.remove(str(EXAMPLES))
