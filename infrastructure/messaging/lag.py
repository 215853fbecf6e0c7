"""How far a group is behind."""

from __future__ import annotations

from abc import ABC, abstractmethod

__all__ = ["LagReporter"]


class LagReporter(ABC):
    """A messaging that knows how many messages wait for its group."""

    @abstractmethod
    async def lag(self) -> dict[str, int]:
        """Return for each topic of the group how many messages it has not finished."""
