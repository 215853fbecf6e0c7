"""Dead letters: where a message goes that no attempt could handle, and what it tells."""

from __future__ import annotations

import traceback

from .._core.secrets import scrub
from .._core.tasks import logger
from ._attempts import Trouble
from ._calls import Delivery
from ._log import Log
from ._options import DeliveryOptions
from ._record import LIBRARY_HEADERS, Record

__all__ = ["REPLAY_GROUP", "REPLAY_HANDLER", "DeadLetters", "is_addressed_to"]

REPLAY_GROUP = f"{LIBRARY_HEADERS}replay-group"
"""Header of a replayed message: the one group that handles it."""

REPLAY_HANDLER = f"{LIBRARY_HEADERS}replay-handler"
"""Header of a replayed message: the one handler that is called with it."""

_MARKS = (REPLAY_GROUP, REPLAY_HANDLER)

# Together with the names and the numbers below 16 KiB.
_LONGEST_NAME = 512
_LONGEST_TEXT = 12 * 1024


class DeadLetters:
    """Stores the dead letters of one group.

    A dead letter is the message as it was, with these headers besides, 16 KiB at most:
    ``infrastructure-origin-topic``, ``-origin-partition``, ``-origin-offset``, ``-group``,
    ``-handler``, ``-error`` (the class), ``-error-text``, ``-attempts``, ``-first-failed``.
    """

    def __init__(self, log: Log, group: str) -> None:
        self._log = log
        self._group = group

    async def bury(
        self, delivery: Delivery, trouble: Trouble, *, handler: str, options: DeliveryOptions
    ) -> bool:
        """Store the message; return whether it is: else its partition was stopped."""
        record, partition = delivery.record, delivery.window.partition
        topic = options.dead_letters_of(partition.topic)

        if topic is None:
            _stop(delivery, trouble, handler)
            return False

        letter = record.with_headers(self._headers(record, trouble, handler))
        # What was replayed was for one handler; its letter is for whoever reads dead letters.
        headers = letter.headers or {}
        letter.headers = {name: text for name, text in headers.items() if name not in _MARKS}
        await self._log.append(topic, letter)
        logger.error(
            "handler %s: %r went to the dead letters in %s after %d attempt%s\n%s",
            handler,
            record,
            topic,
            trouble.attempts,
            "" if trouble.attempts == 1 else "s",
            _told(trouble.doom),
        )
        return True

    def _headers(self, record: Record, trouble: Trouble, handler: str) -> dict[str, str]:
        told = {
            "origin-topic": record.partition.topic,
            "origin-partition": str(record.partition.number),
            "origin-offset": str(record.offset),
            "group": _cut(self._group, _LONGEST_NAME),
            "handler": _cut(handler, _LONGEST_NAME),
            "error": _cut(_class_name(trouble.doom), _LONGEST_NAME),
            "error-text": _cut(scrub(_text(trouble.doom)), _LONGEST_TEXT),
            "attempts": str(trouble.attempts),
            "first-failed": trouble.first_failed.isoformat() if trouble.first_failed else "",
        }
        return {LIBRARY_HEADERS + name: text for name, text in told.items()}


def _stop(delivery: Delivery, trouble: Trouble, handler: str) -> None:
    delivery.window.shut()
    logger.critical(
        "handler %s: %r is out of attempts after %d and has no dead letters: partition %d of %s "
        "is stopped until the next connect. Mend the handler, or set dead_letter_topic=\n%s",
        handler,
        delivery.record,
        trouble.attempts,
        delivery.window.partition.number,
        delivery.window.partition.topic,
        _told(trouble.doom),
    )


def _told(error: BaseException | None) -> str:
    # By hand instead of by exc_info: the handler's error may quote a URL with a password.
    return scrub("".join(traceback.format_exception(error))) if error is not None else ""


def is_addressed_to(record: Record, group: str, handler: str) -> bool:
    """Return whether a message is for this handler: a replayed one is for one alone."""
    headers = record.headers or {}
    return (
        headers.get(REPLAY_GROUP, group) == group
        and headers.get(REPLAY_HANDLER, handler) == handler
    )


def _class_name(error: BaseException | None) -> str:
    cls = type(error)
    return f"{cls.__module__}.{cls.__qualname__}"


def _text(error: BaseException | None) -> str:
    try:
        return str(error)
    except Exception as exc:  # noqa: BLE001 - a letter must be written, whatever the error's own code does
        return f"its text could not be made: {type(exc).__name__}"


def _cut(text: str, size: int) -> str:
    # By bytes, and never inside a character.
    return text.encode(errors="backslashreplace")[:size].decode(errors="ignore")
