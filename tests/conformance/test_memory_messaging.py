"""The messaging checks, on MemoryMessaging."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

import pytest

from infrastructure.conformance._check import Check
from infrastructure.conformance._harness import MessagingHarness, wanted
from infrastructure.conformance.messaging import CHECKS
from infrastructure.messaging.memory import MemoryMessaging


class MemoryHarness(MessagingHarness):
    """A broker of its own for each check."""

    missing: ClassVar = {"durable": "messages live in this process; retain= keeps some"}

    def __init__(self) -> None:
        self._url = f"memory://{uuid4().hex}"

    def make(self, **options: Any) -> MemoryMessaging:
        return MemoryMessaging(self._url, **options)


@pytest.mark.parametrize(
    "check", [check for check in CHECKS if wanted(check, MemoryHarness)], ids=lambda each: each.name
)
async def test_check(check: Check) -> None:
    await check.run(MemoryHarness())
