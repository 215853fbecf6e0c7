"""The errors of the infrastructure: one tree for every cache, message broker and database."""

from __future__ import annotations

import builtins
from typing import Any, ClassVar, Literal, Optional

__all__ = [
    "ConfigurationError",
    "ConflictError",
    "ConnectionError",
    "InfrastructureError",
    "IntegrityError",
    "OperationError",
    "Outcome",
    "TimeoutError",
    "TransactionError",
    "ValidationError",
]

Outcome = Literal["not_applied", "applied", "unknown"]
"""What became of the operation; a lost answer is ``"unknown"``."""


class InfrastructureError(Exception):
    """The base class of all infrastructure errors.

    ``message`` says what was tried, on what, what came back and what to do.
    Every further field has a default, so that each class pickles on every
    protocol to the same type, message and fields.

    ``retryable``
        The cause lies outside the call and may pass. It does not say that
        repeating the call is safe: ``outcome`` does.
    ``outcome``
        ``"not_applied"``, ``"applied"`` or ``"unknown"``; ``None`` where it
        has no meaning.
    ``sqlstate``
        The five-character code of the SQL standard, on every storage backend.
    ``row_index``
        The 0-based row of ``execute_many`` that failed, where it is known.
    ``failed_keys``
        The keys of a batch that failed.
    ``backend``, ``operation``
        Which backend, and which method of it.
    """

    _retryable: ClassVar[bool] = False
    _outcome: ClassVar[Optional[Outcome]] = None

    message: str
    retryable: bool
    outcome: Optional[Outcome]
    sqlstate: Optional[str]
    row_index: Optional[int]
    failed_keys: tuple[Any, ...]
    backend: Optional[str]
    operation: Optional[str]

    def __init__(
        self,
        message: Optional[str] = None,
        *,
        retryable: Optional[bool] = None,
        outcome: Optional[Outcome] = None,
        sqlstate: Optional[str] = None,
        row_index: Optional[int] = None,
        failed_keys: tuple[Any, ...] = (),
        backend: Optional[str] = None,
        operation: Optional[str] = None,
    ) -> None:
        # One argument at most goes up: OSError, a base of two of the classes
        # below, reads two to five of them as errno, strerror and filename.
        super().__init__(*(() if message is None else (message,)))
        self.message = "" if message is None else message
        self.retryable = self._retryable if retryable is None else retryable
        self.outcome = self._outcome if outcome is None else outcome
        self.sqlstate = sqlstate
        self.row_index = row_index
        self.failed_keys = tuple(failed_keys)
        self.backend = backend
        self.operation = operation


# Ours comes first among the bases: with the builtin first, ``__init__`` above is skipped.
class ConnectionError(InfrastructureError, builtins.ConnectionError):
    """The backend cannot be reached, or the link to it was lost, or it was never made.

    Also a ``builtins.ConnectionError``, hence an ``OSError``. Always retryable.
    """

    _retryable = True


class TimeoutError(InfrastructureError, builtins.TimeoutError):
    """A deadline passed: the caller's, the connection pool's or the server's.

    Also a ``builtins.TimeoutError``, hence an ``OSError``. Retryable when it was
    a wait for a connection or a silent peer, not when a statement ran too long.
    """


class ConfigurationError(InfrastructureError):
    """The settings are wrong: URL, option, missing extra, credentials, server extension."""

    _outcome = "not_applied"


class ValidationError(InfrastructureError):
    """The arguments did not validate: nothing was executed, an open transaction goes on."""

    _outcome = "not_applied"


class OperationError(InfrastructureError):
    """The backend was reached and refused the operation, or failed in it."""


class IntegrityError(OperationError):
    """A constraint refused the write: unique, foreign key, not null, check."""


class ConflictError(OperationError):
    """A serialisation failure or a deadlock: run the whole transaction again."""

    _retryable = True
    _outcome = "not_applied"


class TransactionError(OperationError):
    """A transaction was misused, or it is aborted and only a rollback ends it."""
