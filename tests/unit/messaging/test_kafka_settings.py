"""What the URL and the keywords of Kafka messaging say together, and what librdkafka is told."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from infrastructure.interfaces import ConfigurationError
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.messaging.kafka._configuration import (
    consumer_configuration,
    producer_configuration,
)
from infrastructure.messaging.kafka._settings import Settings

URL = "kafka://h"


def read(url: str = URL, **given: Any) -> Settings:
    return KafkaMessaging(url, **given)._settings


def refused(url: str = URL, **given: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        KafkaMessaging(url, **given)

    assert "hunter2" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "hosts", "where", "tls"),
    [
        ("kafka://h", (("h", 9092),), "kafka://h:9092", False),
        ("kafka://h:1,k", (("h", 1), ("k", 9092)), "kafka://h:1,k:9092", False),
        ("kafka://[::1]:7", (("::1", 7),), "kafka://[::1]:7", False),
        ("kafka+ssl://h:9093", (("h", 9093),), "kafka+ssl://h:9093", True),
    ],
)
def test_the_brokers_of_a_url(url: str, hosts: Any, where: str, tls: bool) -> None:
    """Names and addresses; each has a port."""
    settings = read(url)
    assert (settings.hosts, settings.where, settings.tls) == (hosts, where, tls)


@pytest.mark.parametrize("url", ["kafka://", "kafka://h/path", "redis://h", "kafka+ssl:///x"])
def test_other_urls_are_refused(url: str) -> None:
    """With the forms that there are."""
    assert "kafka://host:9092" in refused(url)


def test_options_of_the_url_are_those_of_the_constructor() -> None:
    """Read as what they are."""
    text = "?group_id=g&create_topics=yes&partitions=3&session_timeout=7.5&lanes=2&librdkafka.linger.ms=5"
    settings = read(URL + text)
    assert settings.group == "g"
    assert settings.create_topics
    assert (settings.partitions, settings.session_timeout) == (3, 7.5)
    assert settings.delivery.lanes == 2
    assert settings.librdkafka == {"linger.ms": "5"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"group_id": ""}, "group_id="),
        ({"group_id": 7}, "group_id="),
        ({"session_timeout": 1}, "6 to 1800 seconds"),
        ({"session_timeout": 1801}, "6 to 1800 seconds"),
        ({"session_timeout": math.nan}, "6 to 1800 seconds"),
        ({"partitions": 0}, "partitions="),
        ({"replication": True}, "replication="),
        ({"create_topics": "perhaps"}, "create_topics"),
        ({"sasl_mechanism": "GSSAPI"}, "SCRAM-SHA-512"),
        ({"sasl_mechanism": "PLAIN"}, "a user and a password"),
        ({"librdkafka": ["a"]}, "librdkafka="),
        ({"librdkafka": {"acks": 1}}, "all replicas in sync"),
        ({"librdkafka": {"group.id": "g"}}, "group_id="),
        ({"librdkafka": {"transactional.id": "t"}}, "no transactions"),
        ({"librdkafka": {"delivery.report.only.error": True}}, "what was stored"),
        ({"librdkafka": {"on_delivery": print}}, "publish()"),
        ({"librdkafka": {"on_commit": print}}, "what was handled"),
        ({"librdkafka": {"error_cb": print}}, "outages logged"),
        ({"librdkafka": {"logger": 5}}, "'infrastructure'"),
        ({"librdkafka": {"oauth_cb": print}}, "OAUTHBEARER"),
        ({"librdkafka": {"default.topic.config": {"acks": 1}}}, "themselves"),
        ({"librdkafka": {"stats_cb": "x"}}, "stats_cb that cannot be called"),
        ({"librdkafka": {"sticky.partitioning.linger.ms": "abc"}}, "linger.ms is a number"),
        ({"librdkafka": {"retry.backoff.ms": "0x10"}}, "retry.backoff.ms is a number"),
        ({"librdkafka": {"retry.backoff.max.ms": None}}, "retry.backoff.max.ms is a number"),
        ({"window": 0}, "window="),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], told: str) -> None:
    """With what does."""
    assert told in refused(**given)


def test_what_is_the_users_choice_is_passed_on() -> None:
    """The page of options tells what some of it gives up."""
    options = {"enable.idempotence": False, "stats_cb": print, "throttle_cb": print}
    assert read(librdkafka=options).librdkafka == options
    assert read(URL + "?librdkafka.enable.idempotence=false").librdkafka


def test_an_unknown_option_is_refused_with_those_that_there_are() -> None:
    """In the URL, and as a keyword."""
    assert "group_id" in refused(URL + "?grup_id=g")
    assert "group_id" in refused(grup_id="g")
    assert "librdkafka.<name>" in refused(URL + "?librdkafka={}")


def test_what_is_said_twice_must_be_the_same() -> None:
    """A keyword and the URL."""
    assert read(URL + "?group_id=g", group_id="g").group == "g"
    assert "say it once" in refused(URL + "?group_id=g", group_id="h")
    assert "linger.ms" in refused(URL + "?librdkafka.linger.ms=5", librdkafka={"linger.ms": 6})


@pytest.mark.parametrize("url", ["kafka://ada@h", "kafka+ssl://:hunter2@h"])
def test_a_login_takes_both(url: str) -> None:
    """A user and a password."""
    assert "a user and a password" in refused(url)


def test_a_password_does_not_cross_a_network_in_clear() -> None:
    """Over TLS it may, on the machine itself, and where it is not sent at all."""
    assert "kafka+ssl://" in refused("kafka://ada:hunter2@h")
    assert read("kafka://ada:hunter2@127.0.0.1,localhost").sasl_mechanism == "PLAIN"
    assert read("kafka+ssl://ada:hunter2@h").sasl_mechanism == "PLAIN"
    scram = read("kafka://ada:hunter2@h?sasl_mechanism=SCRAM-SHA-256")
    assert scram.sasl_mechanism == "SCRAM-SHA-256"


@pytest.mark.parametrize("name", ["ssl_ca", "ssl_cert", "ssl_key"])
def test_files_of_tls_are_not_ignored(name: str) -> None:
    """Where there is none nobody would notice that the messages cross the network in clear."""
    assert f"{name}= is for TLS" in refused(f"{URL}?{name}=/x.pem")
    assert "kafka+ssl://" in refused(**{name: "/x.pem"})


@pytest.mark.parametrize("name", ["ssl_ca", "ssl_cert", "ssl_key"])
async def test_a_file_of_tls_that_is_not_there(name: str, tmp_path: Path) -> None:
    """Is told by its name, before anybody is asked."""
    url = f"kafka+ssl://127.0.0.1:1?{name}={tmp_path / 'x.pem'}"

    with pytest.raises(ConfigurationError, match=rf"{name}=: there is no file .*/x\.pem"):
        await KafkaMessaging(url).connect()


def test_secrets_are_not_shown() -> None:
    """Neither the password nor what is passed on."""
    messaging = KafkaMessaging(
        "kafka+ssl://ada:hunter2@h", librdkafka={"ssl.key.password": "hunter2"}
    )
    assert "hunter2" not in repr(messaging)
    assert "hunter2" not in repr(messaging._settings)


def test_what_librdkafka_is_told() -> None:
    """Brokers, login, files; what a user passes on is passed on."""
    settings = read(
        "kafka+ssl://ada:hunter2@h:1,[::1]:2?group_id=g&group_instance_id=one",
        ssl_ca="/ca.pem",
        librdkafka={"compression.type": "zstd"},
    )
    producer, consumer = producer_configuration(settings, 2.0), consumer_configuration(settings)
    assert producer["bootstrap.servers"] == "h:1,[::1]:2"
    assert producer["security.protocol"] == "SASL_SSL"
    assert (producer["sasl.username"], producer["sasl.password"]) == ("ada", "hunter2")
    assert producer["ssl.ca.location"] == "/ca.pem"
    assert producer["compression.type"] == "zstd"
    assert producer["enable.idempotence"] is True
    assert producer["message.timeout.ms"] == 2000
    assert producer_configuration(settings, math.inf)["message.timeout.ms"] == 0
    assert (consumer["group.id"], consumer["group.instance.id"]) == ("g", "one")
    assert consumer["enable.auto.commit"] is False
    assert consumer["session.timeout.ms"] == 12_000


def test_no_session_is_longer_than_the_driver_allows_between_two_looks() -> None:
    """It takes none that is; what a user says of it holds."""
    name = "max.poll.interval.ms"
    assert consumer_configuration(read())[name] == 300_000
    assert consumer_configuration(read(session_timeout=1800))[name] == 1_800_000
    own = read(session_timeout=400, librdkafka={name: 500_000})
    assert consumer_configuration(own)[name] == 500_000


def test_larger_messages_are_let_through() -> None:
    """With what stands beside them."""
    settings = read(max_message_bytes=5_000_000)
    assert producer_configuration(settings, 1.0)["message.max.bytes"] > 5_016_384


async def test_without_a_group_nothing_is_subscribed() -> None:
    """The error says what is missing."""

    async def handler(_payload: Any) -> None:
        """Do nothing."""

    with pytest.raises(ConfigurationError, match="group_id="):
        await KafkaMessaging(URL).subscribe("t", handler)
