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

__all__ = ["ERRORS", "LOOK_ANEW", "NO_TOPIC", "OF_BATCH", "error_of", "is_fatal", "is_refusal"]

NO_TOPIC = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
"""A topic that the brokers do not know, or no longer."""

OF_BATCH = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_RECORD,
    KafkaError._INVALID_DIFFERENT_RECORD,
)
"""Said of all in a batch: one of them is too large, or not valid, or all together are too large."""

# What was on its way when a topic was removed may end with the client's handle of it. One that may not
# be written to the client refuses by itself, until it is told of the topic again, minutes later.
LOOK_ANEW = (*NO_TOPIC, KafkaError._DESTROY, KafkaError.TOPIC_AUTHORIZATION_FAILED)
"""What a message ends with whose topic has to be looked for before the next one."""

_AWAY = {
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError._NODE_UPDATE,
    KafkaError._DESTROY,
    KafkaError._DESTROY_BROKER,
    KafkaError._UNKNOWN_BROKER,
    KafkaError._PURGE_QUEUE,
    KafkaError._PURGE_INFLIGHT,
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
# The broker's account of a producer does not fit any more: of what went before it says nothing, and
# with the next number all is well.
_OUT_OF_STEP = {
    KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
    KafkaError.UNKNOWN_PRODUCER_ID,
    KafkaError.INVALID_PRODUCER_EPOCH,
}
# What a broker refused it has not stored; of the others somebody may have.
_UNKNOWN = {
    *_LATE,
    *_OUT_OF_STEP,
    *_AWAY - {KafkaError._RESOLVE, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_ENOUGH_REPLICAS},
    KafkaError._FATAL,
    KafkaError.UNKNOWN,
}
_HINTS: Mapping[int, str] = {
    KafkaError._AUTHENTICATION: "look at the user, the password and sasl_mechanism=",
    KafkaError._ALL_BROKERS_DOWN: (
        "those that run and close the connection may want kafka+ssl://, or a user and a password"
    ),
    KafkaError._RESOLVE: "look at the hosts of the URL",
    KafkaError._SSL: "name the authority of its certificate by ssl_ca=",
    KafkaError.SASL_AUTHENTICATION_FAILED: "look at the user, the password and sasl_mechanism=",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "make it, or say create_topics=True",
    KafkaError._UNKNOWN_TOPIC: "make it, or say create_topics=True",
    KafkaError.MSG_SIZE_TOO_LARGE: (
        "it is more than max_message_bytes= here, or than max.message.bytes of the topic or the broker"
    ),
    KafkaError.NOT_ENOUGH_REPLICAS: "fewer brokers than min.insync.replicas are in sync",
    KafkaError.FENCED_INSTANCE_ID: "another member has the same group_instance_id=",
}
# Where the code does not say so much: that of a fatal error is one for all.
_SAYINGS: Mapping[str, str] = {
    "Connection refused": "does a broker run there?",
    "SSL connection closed by peer": "does it speak TLS? else say kafka://",
    "wrong version number": "what answers there does not speak TLS: say kafka://, if it is a broker",
    "not valid in current SASL state": "it wants no login, or another port of it does",
    "Invalid response size": "what answers there is no Kafka broker, or wants kafka+ssl://",
    "same group.instance.id": _HINTS[KafkaError.FENCED_INSTANCE_ID],
}


def error_of(
    tried: str, error: KafkaError, *, outcome: Outcome | None = None
) -> InfrastructureError:
    """Return our error for one of librdkafka or the broker; ``outcome``: where more is known."""
    # Once in a while it comes with the code of a connection that broke.
    code = KafkaError._SSL if "certificate verify failed" in error.str() else error.code()
    known: Outcome = outcome or ("unknown" if code in _UNKNOWN else "not_applied")
    text = f"{tried}: {scrub(error.str()).rstrip(' .')} ({error.name()})"
    hint = next((hint for saying, hint in _SAYINGS.items() if saying in text), _HINTS.get(code))
    made = _class_of(code)(f"{text}; {hint}" if hint else text, outcome=known, **_retryable(error))
    made.__cause__ = KafkaException(error)
    return made


def is_fatal(error: KafkaError) -> bool:
    """Return whether the client that had it does nothing more."""
    # Few of them are marked so by the driver.
    return bool(error.fatal()) or error.code() == KafkaError._FATAL


def is_refusal(error: KafkaError) -> bool:
    """Return whether the brokers do not allow it, as long as nobody changes a setting."""
    # The codes above zero are the brokers' own.
    return error.code() in _SETTINGS and error.code() > 0


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
    passes = code in _LATE or code in _OUT_OF_STEP or (error.retriable() and code > 0)
    return {"retryable": True} if passes else {}


def _raised(tried: str, exc: BaseException) -> InfrastructureError:
    error = exc.args[0] if exc.args else None

    if isinstance(error, KafkaError):
        return error_of(tried, error)

    return OperationError(f"{tried}: {scrub(str(exc)) or type(exc).__name__}", outcome="unknown")


ERRORS: ErrorMap = {KafkaException: _raised}
"""The one class that the driver raises; what it is about stands in its argument."""
