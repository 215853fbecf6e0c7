"""A session of a group that is shorter than a program may ask for: a test need not wait so long."""

from __future__ import annotations

from dataclasses import replace

from infrastructure.messaging.kafka import KafkaMessaging

__all__ = ["BRIEF", "shorten_session"]

BRIEF = 3.0
"""Seconds that a member may be silent, where the length of its session is not what is tested."""


def shorten_session(messaging: KafkaMessaging) -> KafkaMessaging:
    """Return the same messaging, which is not connected yet, with a session of ``BRIEF`` seconds."""
    messaging._settings = replace(messaging._settings, session_timeout=BRIEF)
    return messaging
