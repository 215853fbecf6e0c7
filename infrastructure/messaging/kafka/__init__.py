"""Messaging over Apache Kafka."""

from __future__ import annotations

from .messaging import KafkaMessaging

__all__ = ["KafkaMessaging"]
