"""Messaging inside one process, with the delivery rules of a real broker."""

from __future__ import annotations

from ._messaging import MemoryMessaging

__all__ = ["MemoryMessaging"]
