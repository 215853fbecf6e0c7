"""What a check gets: something that makes instances of one backend and says what it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

from ..interfaces import CachingInterface, MessagingInterface, StorageInterface
from ._check import Check
from ._faults import FaultHarness

__all__ = [
    "Backend",
    "CachingHarness",
    "Harness",
    "MessagingHarness",
    "StorageHarness",
    "declares",
    "wanted",
]

Backend = TypeVar("Backend", CachingInterface, MessagingInterface, StorageInterface)


class Harness(Generic[Backend]):
    """Makes instances of one backend for one check, and declares what the backend keeps.

    A fresh harness stands for an empty backend of its own; all instances that it makes reach
    the same data, so that two of them are two handles on one backend.

    ``level``     ``"core"``: what binds every backend; ``"full"``: every feature too.
    ``features``  what a backend of level ``core`` keeps beyond it.
    ``missing``   what a backend of level ``full`` lacks, each feature with its reason.
    ``faults``    what breaks its server and the way to it; ``None`` where there is neither, and
                  no fault check is asked then.
    ``without_faults``  why there are none.

    They may be attributes of the class or of the instance.
    """

    level: Literal["core", "full"] = "full"
    features: Collection[str] = ()
    missing: Mapping[str, str] = MappingProxyType({})
    faults: FaultHarness | None = None
    without_faults: str = "its harness has no faults, as where there is no server"

    def make(self, **options: Any) -> Backend:
        """Return a new, unconnected instance; ``options`` are keyword options of ours.

        A backend of level ``core`` is asked for none but ``group_id=`` of a messaging.
        """
        raise TypeError(f"{type(self).__name__} must say how to make an instance")

    async def open(self) -> None:
        """Prepare what the check needs: an empty schema, a prefix of its own."""

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass for the backend; a harness with a fake clock need not wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Remove what the check left behind; called after a failed check too."""


class CachingHarness(Harness[CachingInterface]):
    """Makes caches."""


class MessagingHarness(Harness[MessagingInterface]):
    """Makes messaging instances; ``group_id=`` is always among the options they understand."""

    def group(self, name: str) -> str:
        """Return the group that ``make(group_id=name)`` belongs to: one of this check's own."""
        return name


class StorageHarness(Harness[StorageInterface]):
    """Makes storages."""


def declares(harness: Harness[Any] | type[Harness[Any]], feature: str) -> bool:
    """Return whether the backend claims to keep ``feature``."""
    if harness.level == "core":
        return feature in harness.features

    return feature not in harness.missing


def wanted(
    check: Check, harness: Harness[Any] | type[Harness[Any]], *, faults: bool = False
) -> bool:
    """Return whether ``check`` applies to what the harness declares.

    One of the kind ``fault`` only where ``faults`` are tried and the harness has them.
    """
    if check.kind == "fault" and (not faults or harness.faults is None):
        return False

    if check.absent is not None and declares(harness, check.absent):
        return False

    return check.feature is None or declares(harness, check.feature)
