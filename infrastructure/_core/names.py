"""Which keys, topics and identifiers are legal; one place for every backend."""

from __future__ import annotations

import re
from typing import Any

from ..interfaces.exceptions import ValidationError

__all__ = [
    "MAX_KEY",
    "MAX_TTL",
    "check_identifier",
    "check_key",
    "check_subscribable",
    "check_topic",
    "check_ttl",
    "quote_identifier",
]

MAX_KEY = 64 * 1024
"""Bytes of a key in UTF-8."""

MAX_TTL = 2**31 - 1
"""Seconds."""

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_DEAD_LETTER_SUFFIX = len(".dlq")


def _encode(what: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        msg = f"{what} {text[:60]!r} cannot be encoded in UTF-8: {exc.reason}"
        raise ValidationError(msg) from exc


def check_key(key: Any) -> str:
    """Return a cache or message key as it is: non-empty ``str``, at most 64 KiB in UTF-8."""
    if not isinstance(key, str):
        msg = f"a key is a str, got {type(key).__name__}"
        raise ValidationError(msg)

    if not key:
        msg = "a key is not empty"
        raise ValidationError(msg)

    # isascii is a flag of the string: the usual key is not encoded to be measured.
    size = len(key) if key.isascii() else len(_encode("the key", key))

    if size > MAX_KEY:
        msg = f"the key {key[:40]!r}... takes {size} bytes; {MAX_KEY} are allowed"
        raise ValidationError(msg)

    return key


def check_ttl(ttl: Any) -> int | None:
    """Return a time to live as it is: ``None``, or an ``int`` of 0 to 2**31-1 seconds."""
    if ttl is None or (type(ttl) is int and 0 <= ttl <= MAX_TTL):
        return ttl

    msg = f"ttl is None or an int of 0 to {MAX_TTL} seconds, got {ttl!r}"
    raise ValidationError(msg)


def check_topic(topic: Any) -> str:
    """Return a topic as it is: ``[A-Za-z0-9._-]{1,249}``, not ``.`` or ``..`` (Kafka's rule)."""
    if isinstance(topic, str) and _TOPIC.fullmatch(topic) and topic not in (".", ".."):
        return topic

    msg = f"a topic is 1 to 249 of A-Z a-z 0-9 . _ - and neither '.' nor '..', got {topic!r:.80}"
    raise ValidationError(msg)


def check_subscribable(topic: Any) -> str:
    """Return a topic that leaves room for the suffix of its dead-letter topic."""
    check_topic(topic)

    if len(topic) > 249 - _DEAD_LETTER_SUFFIX:
        msg = (
            f"the topic {topic[:40]!r}... has {len(topic)} characters: to subscribe, 245 leave room "
            "for '.dlq'; or name one by dead_letter_topic="
        )
        raise ValidationError(msg)

    return str(topic)


def check_identifier(name: Any, what: str = "name") -> str:
    """Return an SQL identifier as it is: non-empty ``str`` of 1 to 63 UTF-8 bytes, no NUL.

    63 is PostgreSQL's NAMEDATALEN - 1; it cuts longer ones silently, and two become one.
    """
    if not isinstance(name, str) or not name:
        msg = f"a {what} is a non-empty str, got {name!r:.80}"
        raise ValidationError(msg)

    if "\0" in name:
        msg = f"the {what} {name[:60]!r} contains NUL"
        raise ValidationError(msg)

    size = len(_encode(f"the {what}", name))

    if size > 63:
        msg = f"the {what} {name[:60]!r} takes {size} bytes in UTF-8; 63 are allowed"
        raise ValidationError(msg)

    return name


def quote_identifier(name: str) -> str:
    """Return an SQL identifier in double quotes: case and any character are kept."""
    return '"' + check_identifier(name).replace('"', '""') + '"'
