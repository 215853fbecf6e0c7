"""Checks that prove a backend: plain async functions, one for each promise of the contract.

``caching.CHECKS``, ``messaging.CHECKS`` and ``storage.CHECKS`` hold them. A check is run by
``await check.run(harness)``, with a fresh harness each; ``wanted`` tells which of them apply
to what the harness declares.
"""

from __future__ import annotations

from ._check import Check
from ._harness import CachingHarness, Harness, MessagingHarness, StorageHarness, wanted

__all__ = ["CachingHarness", "Check", "Harness", "MessagingHarness", "StorageHarness", "wanted"]
