"""What each SQLSTATE is to us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...interfaces.exceptions import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    Outcome,
    TimeoutError,
    TransactionError,
)

__all__ = ["CLASSES", "READ_ONLY", "STATES", "Rule", "rule_of"]

READ_ONLY = "25006"


@dataclass(frozen=True, slots=True)
class Rule:
    """Our error for a SQLSTATE.

    ``outcome``  of the statement it answers: what the server refused it has undone.
    ``login``    the class in place of ``error`` where the server said so instead of letting us in.
    """

    error: type[InfrastructureError]
    hint: str = ""
    retryable: bool = False
    outcome: Outcome = "not_applied"
    login: type[InfrastructureError] | None = None


_REFUSED = Rule(OperationError)
_INTEGRITY = Rule(IntegrityError)
_TRANSACTION = Rule(TransactionError)
_LOGIN = Rule(OperationError, login=ConfigurationError)
# What a pooler says of its server, too: the statement may have been done there.
_DOWN = Rule(ConnectionError, retryable=True, outcome="unknown")
# It comes in place of the answer, before the statement was begun or while it was undone.
_ENDED = Rule(ConnectionError, retryable=True)
_AGAIN = "run the whole transaction again"

CLASSES: Mapping[str, Rule] = {
    **dict.fromkeys(("01", "02", "03", "09", "0B", "0F", "0L", "0P", "0Z", "10", "20"), _REFUSED),
    **dict.fromkeys(("0A", "21", "22", "24", "26", "27", "2B", "2F", "34", "38"), _REFUSED),
    **dict.fromkeys(("39", "3F", "40", "42", "44", "53", "54", "55", "57", "58"), _REFUSED),
    **dict.fromkeys(("72", "F0", "HV", "P0", "XX"), _REFUSED),
    **dict.fromkeys(("25", "2D", "3B"), _TRANSACTION),
    "08": _DOWN,
    "23": _INTEGRITY,
    "28": _LOGIN,
    "3D": _LOGIN,
}
"""Our rule by the first two characters; a class that is not here is an ``OperationError``."""

STATES: Mapping[str, Rule] = {
    READ_ONLY: Rule(OperationError, "the transaction or the server is read-only"),
    "25P03": Rule(
        TimeoutError,
        "the transaction was left idle for too long: see idle_in_transaction_session_timeout",
    ),
    "25P04": Rule(TimeoutError, "the transaction took too long: see transaction_timeout"),
    "28P01": Rule(OperationError, "look at the user and the password", login=ConfigurationError),
    "40001": Rule(ConflictError, _AGAIN, retryable=True),
    "40002": _INTEGRITY,
    "40003": Rule(OperationError, outcome="unknown"),
    "40P01": Rule(ConflictError, _AGAIN, retryable=True),
    "42501": Rule(OperationError, login=ConfigurationError),
    "53300": Rule(ConnectionError, "the server has no connection left", retryable=True),
    "55P03": Rule(
        TimeoutError, "another transaction holds the lock: see lock_timeout", retryable=True
    ),
    "57014": Rule(
        TimeoutError, "it ran too long (see statement_timeout), or somebody cancelled it"
    ),
    "57P01": _ENDED,
    "57P02": _DOWN,
    "57P03": _ENDED,
    "57P04": Rule(ConnectionError, "the database is gone", retryable=True),
    "57P05": _ENDED,
}
"""What says more than its class."""


def rule_of(sqlstate: str) -> Rule:
    """Return the rule of a SQLSTATE, an unknown one too."""
    return STATES.get(sqlstate) or CLASSES.get(sqlstate[:2], _REFUSED)
