"""A storage of the kit for blocking drivers keeps transactions, deadlines and cancellation."""

from __future__ import annotations

from infrastructure.conformance.pytest import conformance

from .kit_storage import KitHarness

test_kit_storage = conformance(KitHarness)
