"""A server program: where it is, and what it needs in its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Program"]


@dataclass(frozen=True)
class Program:
    """An executable, and variables that it must be started with."""

    path: Path
    env: Mapping[str, str] = field(default_factory=dict)
