"""What the errors of librdkafka and of the broker are to us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from ..._core.errors import ErrorMap
from ..._core.secrets import scrub
from ...interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    Outcome,
    TimeoutError,
    ValidationError,
)

__all__ = ["ERRORS", "error_of", "is_fatal"]

_AWAY = {
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError._NODE_UPDATE,
    KafkaError._DESTROY,
    KafkaError._DESTROY_BROKER,
    KafkaError._UNKNOWN_BROKER,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_CONTROLLER,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    KafkaError.KAFKA_STORAGE_ERROR,
}
_LATE = {
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._MSG_TIMED_OUT,
    KafkaError.REQUEST_TIMED_OUT,
}
_SETTINGS = {
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError._INVALID_ARG,
    KafkaError._UNSUPPORTED_FEATURE,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError.ILLEGAL_SASL_STATE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.INVALID_SESSION_TIMEOUT,
    KafkaError.INCONSISTENT_GROUP_PROTOCOL,
}
_SIZES = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
}
# What a broker refused it has not stored; of the others somebody may have.
_UNKNOWN = {
    *_LATE,
    *_AWAY - {KafkaError._RESOLVE, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_ENOUGH_REPLICAS},
    KafkaError._PURGE_INFLIGHT,
    KafkaError._FATAL,
    KafkaError.UNKNOWN,
}
_HINTS: Mapping[int, str] = {
    KafkaError._AUTHENTICATION: "look at the user, the password and sasl_mechanism=",
    KafkaError._RESOLVE: "look at the hosts of the URL",
    KafkaError._SSL: "name the authority of its certificate by ssl_ca=",
    KafkaError.SASL_AUTHENTICATION_FAILED: "look at the user, the password and sasl_mechanism=",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "make it, or say create_topics=True",
    KafkaError._UNKNOWN_TOPIC: "make it, or say create_topics=True",
    KafkaError.MSG_SIZE_TOO_LARGE: "the topic or the broker allows less than max_message_bytes=",
    KafkaError.NOT_ENOUGH_REPLICAS: "fewer brokers than min.insync.replicas are in sync",
    KafkaError.FENCED_INSTANCE_ID: "another member has the same group_instance_id=",
}


def error_of(
    tried: str, error: KafkaError, *, outcome: Outcome | None = None
) -> InfrastructureError:
    """Return our error for one of librdkafka or the broker; ``outcome``: where more is known."""
    code = error.code()
    known: Outcome = outcome or ("unknown" if code in _UNKNOWN else "not_applied")
    text = f"{tried}: {scrub(error.str()).rstrip(' .')} ({error.name()})"
    hint = _HINTS.get(code)
    made = _class_of(code)(f"{text}; {hint}" if hint else text, outcome=known, **_retryable(error))
    made.__cause__ = KafkaException(error)
    return made


def is_fatal(error: KafkaError) -> bool:
    """Return whether the client that had it does nothing more."""
    return bool(error.fatal())


def _class_of(code: int) -> type[InfrastructureError]:
    for codes, cls in (
        (_AWAY, ConnectionError),
        (_LATE, TimeoutError),
        (_SETTINGS, ConfigurationError),
        (_SIZES, ValidationError),
    ):
        if code in codes:
            return cls

    return OperationError


def _retryable(error: KafkaError) -> dict[str, Any]:
    code = error.code()
    return {"retryable": True} if code in _LATE or (error.retriable() and code > 0) else {}


def _raised(tried: str, exc: BaseException) -> InfrastructureError:
    error = exc.args[0] if exc.args else None

    if isinstance(error, KafkaError):
        return error_of(tried, error)

    return OperationError(f"{tried}: {scrub(str(exc)) or type(exc).__name__}", outcome="unknown")


ERRORS: ErrorMap = {KafkaException: _raised}
"""The one class that the driver raises; what it is about stands in its argument."""
