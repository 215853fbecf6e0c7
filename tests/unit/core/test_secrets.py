"""A secret shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

import copy

import pytest

from infrastructure._core.secrets import Secret, scrub


def test_a_secret_is_shown_by_reveal_only() -> None:
    """Not by any way of making text of it."""
    secret = Secret("hunter2")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", f"{secret!r}"]
    assert not [text for text in shown if "hunter2" in text]
    assert secret.reveal() == "hunter2"


def test_secrets_compare_and_hash() -> None:
    """As their texts do, with secrets only."""
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_secret_is_not_pickled() -> None:
    """It would travel in clear text; a copy goes the same way."""
    with pytest.raises(TypeError, match="not pickled"):
        copy.copy(Secret("a"))


@pytest.mark.parametrize(
    "text",
    [
        "redis://user:hunter2@host:1/0",
        "redis://:hunter2@host",
        "a://u:hunter2@h and b://v:hunter2@i",
        "kafka://h?sasl.password=hunter2&x=1",
        "host=h password=hunter2 dbname=d",
        "password = 'hunter2 hunter2'",
        'passwd: "hunter2"',
        "client_secret=hunter2",
        "pwd=hunter2;",
        "auth_token=hunter2)",
        "PASSWORD=hunter2",
        "kafka://h?librdkafka.ssl.key.pem=-----BEGIN%20PRIVATE%20KEY-----hunter2&x=1",
        "librdkafka.sasl.oauthbearer.assertion.private.key.passphrase=hunter2",
        "kafka://h?ssl.key.pem=-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----&x=1",
        "ssl.key.pem: -----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2",
    ],
)
def test_passwords_are_masked(text) -> None:
    """In URLs, queries and key-value texts."""
    assert "hunter2" not in scrub(text)
    assert "***" in scrub(text)


def test_other_text_is_left_alone() -> None:
    """What is no secret stays readable."""
    for text in (
        "redis://host:6379/0",
        "user@host",
        "the password is wrong",
        "a: b",
        "no key.pem: there",
    ):
        assert scrub(text) == text
