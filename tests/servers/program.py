"""A server program: where it is, and what it needs in its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Program"]


@dataclass(frozen=True)
class Program:
    """An executable, and variables that it must be started with.

    ``tree``  the folder that holds all that belongs to it, where it is not the system's.
    """

    path: Path
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    tree: Path | None = None

    def moved(self, tree: Path) -> Program:
        """Return the same program in a copy of its tree."""
        assert self.tree is not None
        old, new = str(self.tree), str(tree)
        env = {name: value.replace(old, new) for name, value in self.env.items()}
        return Program(tree / self.path.relative_to(self.tree), env, tree)
