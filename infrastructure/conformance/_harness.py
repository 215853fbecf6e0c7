"""What a check gets: something that makes instances of one backend and says what it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar

from ..interfaces import CachingInterface, MessagingInterface, StorageInterface
from ._check import Check

__all__ = ["CachingHarness", "Harness", "MessagingHarness", "StorageHarness", "wanted"]

Backend = TypeVar("Backend", CachingInterface, MessagingInterface, StorageInterface)


class Harness(Generic[Backend]):
    """Makes instances of one backend for one check.

    A fresh harness stands for an empty backend of its own; all instances that it makes
    reach the same data. ``missing`` names the features that the backend lacks, each with
    its reason; a backend of level ``core`` lacks them all.
    """

    level: ClassVar[Literal["core", "full"]] = "full"
    missing: ClassVar[Mapping[str, str]] = {}

    def make(self, **options: Any) -> Backend:
        """Return a new, unconnected instance; ``options`` are keyword options of ours."""
        raise TypeError(f"{type(self).__name__} must say how to make an instance")

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass for the backend; a harness with a fake clock need not wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Remove what the check left behind."""


class CachingHarness(Harness[CachingInterface]):
    """Makes caches."""


class MessagingHarness(Harness[MessagingInterface]):
    """Makes messaging instances; ``group_id=`` is always among the options they understand."""


class StorageHarness(Harness[StorageInterface]):
    """Makes storages."""


def wanted(check: Check, harness: type[Harness[Any]]) -> bool:
    """Return whether ``check`` applies to what the harness declares."""

    def lacks(feature: str) -> bool:
        return harness.level == "core" or feature in harness.missing

    if check.absent is not None and not lacks(check.absent):
        return False

    return check.feature is None or not lacks(check.feature)
