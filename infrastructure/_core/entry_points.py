"""Loads what an entry point names, and says which extra is missing where that is why it fails."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from typing import Any, Optional

from ..interfaces.exceptions import ConfigurationError

__all__ = ["load"]

_EXTRA = re.compile(r"(?P<name>[A-Za-z0-9._-]+).*;.*\bextra\s*==\s*['\"](?P<extra>[^'\"]+)['\"]")


def load(point: EntryPoint) -> Any:
    """Return what an entry point names; where its extra is missing, say how to install it."""
    try:
        return point.load()
    except ModuleNotFoundError as exc:
        extra = _extra_of(point, exc.name or "")

        if extra is None:
            raise

        msg = f"{point.name}:// needs {exc.name}: pip install '{extra}'"
        raise ConfigurationError(msg) from exc


def _extra_of(point: EntryPoint, module: str) -> Optional[str]:
    """Return the ``distribution[extra]`` that brings ``module``, by the distribution's metadata."""
    wanted = module.partition(".")[0].replace("_", "-").lower()
    requirements = (point.dist.requires or []) if point.dist else []

    for requirement in requirements:
        match = _EXTRA.match(requirement)

        if match and match["name"].replace("_", "-").lower() == wanted and match["extra"] != "all":
            return f"{point.dist.name}[{match['extra']}]"  # type: ignore[union-attr]  # it has requirements

    return None
