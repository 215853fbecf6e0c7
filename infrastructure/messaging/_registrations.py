"""Handlers that were subscribed, and what is checked before they are."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from .._core.names import check_subscribable, check_topic
from ..interfaces.exceptions import ValidationError
from ._batches import BatchSize
from ._options import DeliveryOptions
from ._subscriptions import Handler

__all__ = ["Registration", "check_subscription"]


@dataclass(eq=False, slots=True)
class Registration:
    """A handler that was subscribed; it outlives connections. Handlers need not be hashable.

    ``asking``  how many calls of ``subscribe`` wait for it.
    """

    handler: Handler
    options: DeliveryOptions
    batch: BatchSize | None
    asking: int = 0


def check_subscription(topic: Any, handler: Any, options: DeliveryOptions) -> None:
    """Raise ``ValidationError`` for a topic or a handler that cannot be subscribed."""
    check_topic(topic)

    if options.dead_letters_of(topic) == f"{topic}.dlq":
        check_subscribable(topic)

    if not callable(handler) or _cannot_handle(handler):
        msg = f"subscribe: a handler is an async function of the payload, got {handler!r:.80}"
        raise ValidationError(msg)


def _cannot_handle(handler: Any) -> bool:
    """Return whether no call of ``handler`` can do; what cannot be told before is told by one."""
    if any(inspect.isasyncgenfunction(each) for each in (handler, handler.__call__)):
        return True

    try:
        # As it stands: a decorator may give the function that it wraps more than the payload.
        inspect.signature(handler, follow_wrapped=False).bind(None)
    except TypeError:
        return True
    except ValueError:
        # What is written in C need not say what it takes.
        return False

    return False
