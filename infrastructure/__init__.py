"""One contract for cache, messaging and storage, real backends behind it, a suite that proves them.

::

    cli          demo, conform
    conformance  the checks that prove a backend        testing   tools to break things with
    opening      open_cache, open_messaging, open_storage: from a URL to a backend
    caching | messaging | storage                       the backends, one folder each
    _core        what they share: lifecycle, deadlines, errors, the value codec
    interfaces   the contract; standard library only

Each line may use those below it, never one above. No driver is imported before its
backend is opened.
"""

from __future__ import annotations

from .interfaces import (
    CachingInterface,
    Column,
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    Message,
    MessageInfo,
    MessagingInterface,
    OperationError,
    StorageInterface,
    TimeoutError,
    TransactionError,
    ValidationError,
    current_message,
    current_messages,
    deadline,
    escape_pattern,
)
from .opening import open_cache, open_messaging, open_storage

__all__ = [
    "CachingInterface",
    "Column",
    "ConfigurationError",
    "ConflictError",
    "ConnectionError",
    "InfrastructureError",
    "IntegrityError",
    "Message",
    "MessageInfo",
    "MessagingInterface",
    "OperationError",
    "StorageInterface",
    "TimeoutError",
    "TransactionError",
    "ValidationError",
    "current_message",
    "current_messages",
    "deadline",
    "escape_pattern",
    "open_cache",
    "open_messaging",
    "open_storage",
]
