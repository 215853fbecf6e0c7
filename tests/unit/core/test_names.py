"""Which keys, topics and identifiers are legal."""

from __future__ import annotations

import pytest

from infrastructure._core.names import (
    check_identifier,
    check_key,
    check_subscribable,
    check_topic,
    check_ttl,
    quote_identifier,
)
from infrastructure.interfaces import ValidationError


@pytest.mark.parametrize("key", ["k", "ک", " ", "k" * 65536, "ک" * 32768])
def test_legal_keys_come_back(key) -> None:
    """As they are."""
    assert check_key(key) is key


@pytest.mark.parametrize("key", ["", None, b"k", 1, "\ud800", "k" * 65537, "ک" * 32769])
def test_other_keys_are_refused(key) -> None:
    """Empty, not text, too long in UTF-8."""
    with pytest.raises(ValidationError, match="key"):
        check_key(key)


def test_ttls() -> None:
    """None, or a whole number of seconds that fits into 31 bits."""
    for ttl in (None, 0, 1, 2**31 - 1):
        assert check_ttl(ttl) == ttl

    for ttl in (-1, 2**31, True, 1.0, "1"):
        with pytest.raises(ValidationError, match="ttl is None or an int"):
            check_ttl(ttl)


def test_topics() -> None:
    """Kafka's rule."""
    for topic in ("a", "A.b_c-9", "..a", "t" * 249):
        assert check_topic(topic) == topic

    for topic in ("", ".", "..", "a b", "a/b", "ا", "t" * 250, None, b"a", "a\n"):
        with pytest.raises(ValidationError, match="a topic is"):
            check_topic(topic)


def test_a_subscribed_topic_leaves_room_for_its_dead_letters() -> None:
    """245 characters and not one more."""
    assert check_subscribable("t" * 245) == "t" * 245

    with pytest.raises(ValidationError, match="dead_letter_topic="):
        check_subscribable("t" * 246)


def test_identifiers() -> None:
    """Any text of 1 to 63 bytes without NUL; quotes are doubled."""
    assert check_identifier("جدول") == "جدول"
    assert quote_identifier('a"b') == '"a""b"'

    for name in ("", None, 1, "a\0b", "a" * 64, "ج" * 32, "\ud800"):
        with pytest.raises(ValidationError, match="column"):
            check_identifier(name, "column")
