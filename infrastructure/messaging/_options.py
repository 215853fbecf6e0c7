"""The settings of delivery: one frozen dataclass, validated in one place."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypedDict

from .._core.clock import SYSTEM_CLOCK, Clock
from .._core.codec import Codec, codec_of
from .._core.names import check_topic
from .._core.urls import refuse_unknown
from ..interfaces.exceptions import ConfigurationError, InfrastructureError, ValidationError

__all__ = ["DeliveryKeywords", "DeliveryOptions", "delivery_options"]

# They belong to the whole instance: a subscription cannot set them otherwise.
_WHOLE = frozenset({"clock", "drain_timeout", "max_message_bytes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """How messages are handed to handlers; all are keyword-only options of the constructors.

    ``lanes``              handlers that run at a time, for each subscribed handler.
    ``order``              ``"key"``, or ``"partition"``: one message of a partition at a time.
    ``attempts``           calls that may fail before a message goes to the dead letters.
    ``backoff``            seconds before the first repetition (it doubles), and at most.
    ``reject_on``          errors that go to the dead letters at once.
    ``outage_retry``       seconds that an outage is waited out; ``None``: for ever. After
                           them the outage counts like any other error.
    ``handler_timeout``    seconds that one call may take; its expiry is a failed attempt.
    ``dead_letters``       ``False``: a message out of attempts stops its partition instead.
    ``dead_letter_topic``  where they go; ``None``: the topic's name with ``.dlq``.
    ``window``             messages held unfinished for a subscription, and
    ``window_bytes``       their size.
    ``codec``              ``"msgpack"`` (all types), ``"json"`` or ``"raw"`` (plain records), or one of yours.
    ``max_message_bytes``  payload, key and headers of a message.
    ``drain_timeout``      seconds that ``disconnect`` and ``unsubscribe`` wait for handlers.
    ``clock``              where the time comes from.
    """

    lanes: int = 16
    order: Literal["key", "partition"] = "key"
    attempts: int = 3
    backoff: tuple[float, float] = (0.1, 30.0)
    reject_on: tuple[type[Exception], ...] = (ValidationError,)
    outage_retry: float | None = None
    handler_timeout: float | None = None
    dead_letters: bool = True
    dead_letter_topic: str | None = None
    window: int = 1000
    window_bytes: int = 64 * 2**20
    codec: str | Codec = "msgpack"
    max_message_bytes: int = 900 * 1024
    drain_timeout: float = 30.0
    clock: Clock = SYSTEM_CLOCK

    def __post_init__(self) -> None:
        for name in ("lanes", "attempts", "window", "window_bytes", "max_message_bytes"):
            _count(name, getattr(self, name))

        for name in ("outage_retry", "handler_timeout"):
            if getattr(self, name) is not None:
                _seconds(name, getattr(self, name))

        _seconds("drain_timeout", self.drain_timeout)
        _among("order", self.order, ("key", "partition"))
        _among("dead_letters", self.dead_letters, (True, False))
        _check_backoff(self.backoff)
        _check_classes(self.reject_on)
        codec_of(self.codec)

        if self.dead_letter_topic is not None:
            _check_dead_letter_topic(self.dead_letter_topic)

    def override(self, overrides: Mapping[str, Any]) -> DeliveryOptions:
        """Return the settings of one subscription."""
        if not overrides:
            return self

        known = {item.name: None for item in fields(self) if item.name not in _WHOLE}
        refuse_unknown(overrides, known, "subscribe")
        return replace(self, **overrides)

    def dead_letters_of(self, topic: str) -> str | None:
        """Return the topic for the dead letters of ``topic``; ``None`` where it has none."""
        # Dead letters of dead letters would go round for ever.
        if not self.dead_letters or topic.endswith(".dlq"):
            return None

        return self.dead_letter_topic or f"{topic}.dlq"


class DeliveryKeywords(TypedDict, total=False):
    """The options above as keyword arguments, for type checkers."""

    lanes: int
    order: Literal["key", "partition"]
    attempts: int
    backoff: tuple[float, float]
    reject_on: tuple[type[Exception], ...]
    outage_retry: float | None
    handler_timeout: float | None
    dead_letters: bool
    dead_letter_topic: str | None
    window: int
    window_bytes: int
    codec: str | Codec
    max_message_bytes: int
    drain_timeout: float
    clock: Clock


def delivery_options(keywords: Mapping[str, Any], cls: type) -> DeliveryOptions:
    """Return the options of a constructor; ``ConfigurationError`` for what is none of ``cls``."""
    known = {item.name for item in fields(DeliveryOptions)}

    if not known.issuperset(keywords):
        refuse_unknown(keywords, inspect.signature(cls).parameters, cls.__name__)

    return DeliveryOptions(**keywords)


def _count(name: str, number: Any) -> None:
    if type(number) is not int or number < 1:
        msg = f"{name}= takes a whole number from 1 on, got {number!r}"
        raise ConfigurationError(msg)


def _seconds(name: str, seconds: Any) -> None:
    if type(seconds) not in (int, float) or not 0 < seconds < math.inf:
        msg = f"{name}= takes a positive number of seconds, got {seconds!r}"
        raise ConfigurationError(msg)


def _among(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if not any(value is choice or (value == choice and type(value) is str) for choice in choices):
        msg = f"{name}= takes one of {', '.join(map(repr, choices))}, got {value!r}"
        raise ConfigurationError(msg)


def _check_backoff(backoff: Any) -> None:
    if not isinstance(backoff, tuple) or len(backoff) != 2:
        msg = f"backoff= takes the first and the longest wait in seconds, got {backoff!r}"
        raise ConfigurationError(msg)

    for seconds in backoff:
        _seconds("backoff", seconds)

    if backoff[0] > backoff[1]:
        msg = f"backoff= takes the shorter wait first, got {backoff!r}"
        raise ConfigurationError(msg)


def _check_classes(classes: Any) -> None:
    if isinstance(classes, tuple) and all(
        isinstance(cls, type) and issubclass(cls, Exception) for cls in classes
    ):
        return

    msg = f"reject_on= takes a tuple of Exception classes, got {classes!r}"
    raise ConfigurationError(msg)


def _check_dead_letter_topic(topic: Any) -> None:
    try:
        check_topic(topic)
    except InfrastructureError as exc:
        msg = f"dead_letter_topic=: {exc}"
        raise ConfigurationError(msg) from exc
