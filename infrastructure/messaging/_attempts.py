"""Decides what a failed call means: an outage to wait out, an attempt, or the end."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from traceback import walk_tb
from typing import TYPE_CHECKING

from ..interfaces.exceptions import ConfigurationError

if TYPE_CHECKING:
    from ._options import DeliveryOptions

__all__ = [
    "LONGEST_OUTAGE_WAIT",
    "Trouble",
    "Undecodable",
    "Verdict",
    "explain",
    "is_outage",
    "judge",
    "pause",
]

_CALLERS = (f"{__package__}._lanes", f"{__package__}._subscriptions")
"""Where handlers are called."""

LONGEST_OUTAGE_WAIT = 30.0
"""Seconds; the back-off of an outage never grows beyond them."""


class Undecodable(Exception):
    """The stored bytes are no payload: no attempt will make them one."""


class Verdict(Enum):
    """What becomes of a call that failed."""

    WAIT = "an outage: again, without counting"
    RETRY = "again, one attempt less"
    SPLIT = "a batch: again, its messages one by one"
    BURY = "to the dead letters"


@dataclass(slots=True)
class Trouble:
    """What went wrong so far with one message, or with one batch.

    ``attempts``  counts what M9 counts; ``shared`` how many of them were a batch's, whose bad
                  message may have been another: they end nobody's.
    ``doom``      the error that ended them.
    """

    attempts: int = 0
    shared: int = 0
    outages: int = 0
    outage_began: float | None = None
    first_failed: datetime | None = None
    doom: BaseException | None = None


def is_outage(exc: BaseException) -> bool:
    """Return whether the cause of ``exc`` lies outside the message and may pass."""
    # What a TaskGroup of the handler raised: an outage when it is nothing else.
    if isinstance(exc, BaseExceptionGroup):
        return all(is_outage(each) for each in exc.exceptions)

    if isinstance(exc, (builtins.ConnectionError, ConfigurationError)):
        return True

    return getattr(exc, "retryable", False) is True


def judge(
    trouble: Trouble, exc: BaseException, options: DeliveryOptions, now: float, *, messages: int = 1
) -> Verdict:
    """Note a failed call of ``messages`` messages in ``trouble`` and say what follows.

    ``now`` is the clock's ``monotonic()``.
    """
    if messages > 1 and isinstance(exc, Undecodable):
        # The handler was not even called: that is no attempt of the others.
        return Verdict.SPLIT

    if is_outage(exc) and not _outage_is_over(trouble, options, now):
        trouble.outages += 1
        return Verdict.WAIT

    trouble.attempts += 1
    trouble.outages = 0
    trouble.outage_began = None

    if messages > 1:
        # Which of them is the bad one is not known: none may be buried yet.
        return Verdict.RETRY if trouble.attempts == 1 else Verdict.SPLIT

    own = trouble.attempts - trouble.shared

    # What is no handler has raised nothing, and does not become one by being called again.
    if isinstance(exc, (Undecodable, *options.reject_on)) or _is_of_the_call(exc):
        return Verdict.BURY

    if own >= options.attempts:
        return Verdict.BURY

    return Verdict.RETRY


def explain(exc: Exception, name: str) -> None:
    """Add a note where ``exc`` did not come from inside the handler but from calling it."""
    if _is_of_the_call(exc):
        exc.add_note(f"{name} cannot be a handler: that is an async function of one argument")


def _is_of_the_call(exc: BaseException) -> bool:
    """Return whether calling the handler, or waiting for what it returned, was not possible."""
    frames = [frame for frame, _ in walk_tb(exc.__traceback__)]
    return (
        isinstance(exc, TypeError)
        and bool(frames)
        and frames[-1].f_globals.get("__name__") in _CALLERS
    )


def _outage_is_over(trouble: Trouble, options: DeliveryOptions, now: float) -> bool:
    if trouble.outage_began is None:
        trouble.outage_began = now

    return options.outage_retry is not None and now - trouble.outage_began >= options.outage_retry


def pause(trouble: Trouble, options: DeliveryOptions, random: float) -> float:
    """Return the seconds before the next call; ``random`` in [0, 1) takes up to half of them."""
    first, longest = options.backoff
    number = trouble.attempts

    if trouble.outages:
        number, longest = trouble.outages, min(longest, LONGEST_OUTAGE_WAIT)

    # 2.0 ** 60 is far above any cap, and no overflow.
    return min(longest, first * 2.0 ** min(number - 1, 60)) * (1 - random / 2)
