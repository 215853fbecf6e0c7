"""The interfaces on which every communication of the infrastructure is implemented.

Standard library only: this folder works alone, copied into another project.
"""

from __future__ import annotations

from ._context import deadline
from .caching import CachingInterface, escape_pattern
from .exceptions import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    TimeoutError,
    TransactionError,
    ValidationError,
)
from .messaging import (
    Message,
    MessageInfo,
    MessagingInterface,
    current_message,
    current_messages,
)
from .storage import Column, StorageInterface

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
]
