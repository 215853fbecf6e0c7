"""Each error of the driver and of the brokers is one of ours."""

from __future__ import annotations

import inspect
import pickle  # noqa: TID251 - whether ours can be
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import KafkaError, KafkaException, cimpl

from infrastructure._core.errors import translate, translated
from infrastructure.interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    TimeoutError,
    ValidationError,
)
from infrastructure.messaging.kafka.errors import ERRORS, error_of, is_fatal, is_refusal

Found = type[InfrastructureError]


@pytest.mark.parametrize(
    ("name", "cls", "outcome", "retryable"),
    [
        ("_TRANSPORT", ConnectionError, "unknown", True),
        ("_ALL_BROKERS_DOWN", ConnectionError, "unknown", True),
        ("_RESOLVE", ConnectionError, "not_applied", True),
        ("_PURGE_QUEUE", ConnectionError, "unknown", True),
        ("_PURGE_INFLIGHT", ConnectionError, "unknown", True),
        ("NOT_COORDINATOR", ConnectionError, "unknown", True),
        ("LEADER_NOT_AVAILABLE", ConnectionError, "not_applied", True),
        ("NOT_ENOUGH_REPLICAS", ConnectionError, "not_applied", True),
        ("NOT_ENOUGH_REPLICAS_AFTER_APPEND", ConnectionError, "unknown", True),
        ("_TIMED_OUT", TimeoutError, "unknown", True),
        ("_MSG_TIMED_OUT", TimeoutError, "unknown", True),
        ("REQUEST_TIMED_OUT", TimeoutError, "unknown", True),
        ("_AUTHENTICATION", ConfigurationError, "not_applied", False),
        ("_SSL", ConfigurationError, "not_applied", False),
        ("_INVALID_ARG", ConfigurationError, "not_applied", False),
        ("TOPIC_AUTHORIZATION_FAILED", ConfigurationError, "not_applied", False),
        ("GROUP_AUTHORIZATION_FAILED", ConfigurationError, "not_applied", False),
        ("MSG_SIZE_TOO_LARGE", ValidationError, "not_applied", False),
        ("UNKNOWN_TOPIC_OR_PART", OperationError, "not_applied", False),
        ("OUT_OF_ORDER_SEQUENCE_NUMBER", OperationError, "unknown", True),
        ("UNKNOWN_PRODUCER_ID", OperationError, "unknown", True),
        ("INVALID_PRODUCER_EPOCH", OperationError, "unknown", True),
        ("FENCED_INSTANCE_ID", OperationError, "not_applied", False),
        ("_FATAL", OperationError, "unknown", False),
        ("UNKNOWN", OperationError, "unknown", False),
    ],
)
def test_what_a_code_is(name: str, cls: Found, outcome: str, retryable: bool) -> None:
    """Its class, whether anything was done, whether it may pass; and its name."""
    error = KafkaError(getattr(KafkaError, name))
    found = error_of("publish to t", error)
    assert type(found) is cls
    assert (found.outcome, found.retryable) == (outcome, retryable)
    assert str(found).startswith("publish to t: ")
    assert f"({name})" in str(found)
    assert isinstance(found.__cause__, KafkaException)
    again = pickle.loads(pickle.dumps(found))
    assert (type(again), str(again), again.outcome) == (cls, str(found), outcome)


def test_the_caller_may_know_better() -> None:
    """What was never handed over was not done."""
    error = KafkaError(KafkaError._TRANSPORT)
    assert error_of("t", error, outcome="not_applied").outcome == "not_applied"


@pytest.mark.parametrize(
    ("code", "said", "hint"),
    [
        ("_TRANSPORT", "Connect failed: Connection refused", "does a broker run there?"),
        ("_ALL_BROKERS_DOWN", "1/1 brokers are down", "a user and a password"),
        (
            "_TRANSPORT",
            (
                "SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a "
                "PLAINTEXT broker listener? (after 4ms in state SSL_HANDSHAKE)"
            ),
            "else say kafka://",
        ),
        (
            "_TRANSPORT",
            "Disconnected: SSL connection closed by peer (after 6ms in state SSL_HANDSHAKE)",
            "else say kafka://",
        ),
        (
            "_SSL",
            "SSL handshake failed: error:0A00010B:SSL routines::wrong version number (after 1ms)",
            "say kafka://, if it is a broker",
        ),
        (
            "_BAD_MSG",
            (
                "Receive failed: Invalid response size 1213486160 (0..100000000): increase "
                "receive.message.max.bytes (after 0ms in state APIVERSION_QUERY)"
            ),
            "is no Kafka broker, or wants kafka+ssl://",
        ),
        (
            "_AUTHENTICATION",
            (
                "SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL "
                "state: broker's supported mechanisms:  (after 2ms in state AUTH_HANDSHAKE)"
            ),
            "it wants no login",
        ),
        (
            "_AUTHENTICATION",
            (
                "SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's "
                "supported mechanisms: SCRAM-SHA-256 (after 2ms in state AUTH_HANDSHAKE)"
            ),
            "look at the user, the password and sasl_mechanism=",
        ),
    ],
)
def test_what_was_forgotten_is_asked_for(code: str, said: str, hint: str) -> None:
    """What a newcomer does wrong first."""
    text = str(error_of("t", KafkaError(getattr(KafkaError, code), said)))
    assert hint in text.rpartition(";")[2], text


@pytest.mark.parametrize("code", ["_SSL", "_TRANSPORT"])
def test_a_certificate_of_a_stranger(code: str) -> None:
    """Stays one, whether it is told as such or as a connection that broke."""
    said = "error:0A000086:SSL routines::certificate verify failed (after 7ms)"
    error = error_of("t", KafkaError(getattr(KafkaError, code), said))
    assert type(error) is ConfigurationError
    assert not error.retryable
    assert str(error).endswith("name the authority of its certificate by ssl_ca=")


def test_what_the_broker_calls_retriable_is() -> None:
    """Whatever its class."""
    error = KafkaError(KafkaError.UNKNOWN_PRODUCER_ID, retriable=True)
    assert error_of("t", error).retryable
    assert not error_of("t", KafkaError(KafkaError._FAIL, retriable=True)).retryable


def test_each_exception_of_the_driver_is_known() -> None:
    """Those too that it may grow: all are of the one class."""
    found = [
        cls
        for module in (confluent_kafka, cimpl)
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Exception) and cls.__module__.startswith(("cimpl", "confluent_kafka"))
    ]
    assert KafkaException in found
    # These two are of share groups, which are not used here.
    others = {cls.__name__ for cls in found if not issubclass(cls, KafkaException)}
    assert others <= {"ConcurrentModificationException", "IllegalStateException"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("it broke",), "it broke"),
        ((), "KafkaException"),
        (("kafka://ada:hunter2@h broke",), "broke"),
    ],
)
def test_one_without_an_error_is_told_too(arguments: tuple[Any, ...], text: str) -> None:
    """Without a secret."""
    found = translate(ERRORS, "t", KafkaException(*arguments))
    assert type(found) is OperationError
    assert text in str(found)
    assert "hunter2" not in str(found)
    assert found.outcome == "unknown"


def test_ours_pass() -> None:
    """As they are."""
    mine = ValidationError("mine")

    with pytest.raises(ValidationError) as caught, translated(ERRORS, "t"):
        raise mine

    assert caught.value is mine


def test_which_are_the_end_of_a_client() -> None:
    """Though the driver marks few of them."""
    assert is_fatal(KafkaError(KafkaError._FATAL))
    assert is_fatal(KafkaError(KafkaError.FENCED_INSTANCE_ID, fatal=True))
    assert not is_fatal(KafkaError(KafkaError._TRANSPORT))


def test_which_do_not_pass_by_themselves() -> None:
    """What a broker forbids; what goes wrong on the way may pass."""
    assert is_refusal(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
    assert not is_refusal(KafkaError(KafkaError._SSL))
    assert not is_refusal(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
