"""What a publish ends with where the brokers do not have the message, or nobody knows."""

from __future__ import annotations

from time import monotonic

from confluent_kafka import KafkaError, KafkaException

from ...interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    Outcome,
    TimeoutError,
)
from ._publication import Publication
from .errors import NO_TOPIC, OF_BATCH, error_of

__all__ = ["cut_off", "not_stored", "overtaken", "too_late"]


def too_late(publication: Publication) -> TimeoutError:
    """Return the error of a message whose deadline has passed: unknown where it was handed over."""
    sent = publication.batch is not None
    more = "the brokers acknowledged it" if sent else "it could be sent"
    return TimeoutError(
        f"{publication.tried}: the deadline passed before {more}; do they run?",
        outcome="unknown" if sent else "not_applied",
        # The brokers are silent: to the handler of another message that is an outage.
        retryable=True,
        operation="publish",
    )


def not_stored(publication: Publication, error: KafkaError) -> InfrastructureError:
    """Return the error of a message that was handed over, and of which the driver reports one."""
    assert publication.batch is not None
    tried, failure = publication.tried, publication.batch.sender.failure

    if error.code() not in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT):
        # Of the driver's handle of a topic: a producer that was destroyed reports nothing.
        is_removed = error.code() == KafkaError._DESTROY
        known = _refused(publication, error)
        return _removed(publication, error) if is_removed else error_of(tried, error, outcome=known)

    if failure is None:
        # It may have been sent before, and wait for its repetition.
        msg = f"{tried}: it was given up before the brokers acknowledged it"
        return ConnectionError(msg, outcome="unknown", operation="publish")

    # Whoever may not write has sent nothing; of the others some may have left once.
    made = error_of(tried, failure, outcome="unknown")

    if isinstance(made, ConfigurationError):
        made.outcome = "not_applied"

    return made


def overtaken(publication: Publication) -> OperationError:
    """Return the error of a message that is not sent again, since it would come behind a later one."""
    return OperationError(
        f"{publication.tried}: the brokers refused it together with others, and took a later message of "
        "its key; sent once more it would come behind that one",
        outcome="not_applied",
        retryable=True,
        operation="publish",
    )


def cut_off(publication: Publication, owner: str, outcome: Outcome) -> ConnectionError:
    """Return the error of a message that was waited for when its owner was disconnected."""
    msg = f"{publication.tried}: {owner} was closed by disconnect()"
    return ConnectionError(msg, outcome=outcome, operation="publish")


def _refused(publication: Publication, error: KafkaError) -> Outcome | None:
    """Return "unknown" where brokers may have refused a repetition: the first may be stored then."""
    assert publication.batch is not None
    batch = publication.batch

    # What is too large, or not valid, was so the first time.
    if error.code() <= 0 or error.code() in (*NO_TOPIC, *OF_BATCH):
        return None

    return "unknown" if monotonic() - batch.since >= batch.sender.repeats_after else None


def _removed(publication: Publication, error: KafkaError) -> OperationError:
    """Return the error of a message whose topic was removed while it was on its way."""
    msg = f"{publication.tried}: the topic was removed while the message was on its way"
    made = OperationError(msg, outcome="unknown", operation="publish")
    made.__cause__ = KafkaException(error)
    return made
