"""What Kafka messaging is made with: a URL and keyword options, checked in one place."""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..._core.secrets import Secret
from ..._core.urls import Url, flag_option, number_option, parse_url
from ...interfaces.exceptions import ConfigurationError
from .._options import DeliveryOptions, delivery_options
from .._url_options import with_url_options

__all__ = ["MECHANISMS", "OWN", "Settings", "check_files", "read_settings"]

FORMS = "kafka://host:9092, kafka://h1:9092,h2:9092?group_id=orders, kafka+ssl://user:password@host:9093"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PORT = 9092
_PASSED = "librdkafka."
_FILES = ("ssl_ca", "ssl_cert", "ssl_key")
_SESSION = (6.0, 1800.0)
"""Seconds of a session that brokers allow, unless they are told otherwise."""
_SET_BY = {
    "bootstrap.servers": "the hosts of the URL",
    "metadata.broker.list": "the hosts of the URL",
    "security.protocol": "kafka:// or kafka+ssl://",
    "sasl.mechanism": "sasl_mechanism=",
    "sasl.mechanisms": "sasl_mechanism=",
    "sasl.username": "the user of the URL",
    "sasl.password": "the password of the URL",
    "ssl.ca.location": "ssl_ca=",
    "ssl.certificate.location": "ssl_cert=",
    "ssl.key.location": "ssl_key=",
    "group.id": "group_id=",
    "group.instance.id": "group_instance_id=",
    "session.timeout.ms": "session_timeout=",
    "message.timeout.ms": "deadline=",
    "delivery.timeout.ms": "deadline=",
    "message.max.bytes": "max_message_bytes=",
    "acks": "nothing: all replicas in sync acknowledge",
    "request.required.acks": "nothing: all replicas in sync acknowledge",
    "enable.auto.commit": "nothing: what was handled is committed",
    "enable.auto.offset.store": "nothing: what was handled is committed",
    "partition.assignment.strategy": "nothing: it is cooperative-sticky",
    "transactional.id": "nothing: there are no transactions",
    "delivery.report.only.error": "nothing: publish() waits for what was stored, too",
    "on_delivery": "nothing: publish() returns or raises when that is called",
    "on_commit": "nothing: what was handled is committed",
    "error_cb": "nothing: errors are raised, and outages logged",
    "logger": "nothing: what the driver says the logger 'infrastructure' has, for debugging",
    "oauth_cb": "nothing: OAUTHBEARER is none of sasl_mechanism=",
    "default.topic.config": "its options themselves",
}
"""Options of librdkafka that are ours to set, and by what a user does."""
_CALLED = ("stats_cb", "throttle_cb")
_NUMBERS = ("retry.backoff.max.ms", "retry.backoff.ms", "sticky.partitioning.linger.ms")
"""Those that we read, too; the driver takes more for a number than Python."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where the brokers are, and the checked options.

    ``where``  the URL without user, password and options, for texts.
    """

    hosts: tuple[tuple[str, int], ...]
    where: str
    tls: bool
    user: str | None
    password: Secret | None
    sasl_mechanism: str | None
    ssl_ca: str | None
    ssl_cert: str | None
    ssl_key: str | None
    group: str | None
    group_instance_id: str | None
    session_timeout: float
    create_topics: bool
    partitions: int | None
    replication: int | None
    # There may be a secret among them.
    librdkafka: Mapping[str, Any] = field(repr=False)
    deadline: float | None
    delivery: DeliveryOptions


def read_settings(cls: type, url: Any, **given: Any) -> Settings:
    """Return what the URL and the keyword options ``given`` to ``cls`` say together."""
    parts = parse_url(url)
    texts, passed = _split(parts.options)
    options = with_url_options(cls, texts, given, _READERS)
    hosts = _hosts(parts)
    own = {name: options.pop(name) for name in _CHECKS}
    checked = {name: _CHECKS[name](name, value) for name, value in own.items()}
    mechanism = checked["sasl_mechanism"]

    if parts.user is not None and mechanism is None:
        mechanism = checked["sasl_mechanism"] = MECHANISMS[0]

    _check_login(parts, mechanism, hosts)
    _check_tls(parts, checked)
    librdkafka = _passed_through(options.pop("librdkafka"), passed)
    deadline = options.pop("deadline")
    return Settings(
        hosts=hosts,
        where=f"{parts.scheme}://{_bootstrap(hosts)}",
        tls=parts.scheme == "kafka+ssl",
        user=parts.user,
        password=parts.password,
        group=checked.pop("group_id"),
        librdkafka=librdkafka,
        deadline=deadline,
        delivery=delivery_options(options, cls),
        **checked,
    )


def _split(options: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    texts, passed = {}, {}

    for name, text in options.items():
        if name.startswith(_PASSED):
            passed[name.removeprefix(_PASSED)] = text
        else:
            texts[name] = text

    return texts, passed


def _hosts(parts: Url) -> tuple[tuple[str, int], ...]:
    if parts.scheme not in {"kafka", "kafka+ssl"} or not parts.hosts or parts.path:
        msg = f"the URL of Kafka messaging names brokers and no path; its forms are {FORMS}"
        raise ConfigurationError(msg)

    return tuple((name or "localhost", port or _PORT) for name, port in parts.hosts)


def _bootstrap(hosts: tuple[tuple[str, int], ...]) -> str:
    return ",".join(f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name, port in hosts)


def _check_login(parts: Url, mechanism: str | None, hosts: tuple[tuple[str, int], ...]) -> None:
    if (parts.user is None) != (parts.password is None) or (mechanism and parts.user is None):
        msg = "SASL takes a user and a password: kafka+ssl://user:password@host:9093"
        raise ConfigurationError(msg)

    clear = parts.scheme == "kafka" and mechanism == "PLAIN"

    if clear and not all(_is_local(name) for name, _ in hosts):
        msg = (
            "the password would cross the network in clear: say kafka+ssl://, or "
            "sasl_mechanism=SCRAM-SHA-512"
        )
        raise ConfigurationError(msg)


def _check_tls(parts: Url, options: Mapping[str, Any]) -> None:
    said = [name for name in _FILES if options[name] is not None]

    if parts.scheme == "kafka" and said:
        msg = f"{said[0]}= is for TLS, and kafka:// has none: say kafka+ssl://"
        raise ConfigurationError(msg)


def check_files(settings: Settings) -> None:
    """Raise ``ConfigurationError`` for a file of TLS that is not there."""
    for name in _FILES:
        path = getattr(settings, name)

        if path is not None and not os.access(path, os.R_OK):
            msg = f"{name}=: there is no file {path} that can be read"
            raise ConfigurationError(msg, operation="connect")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _passed_through(given: Any, texts: Mapping[str, str]) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        msg = f"librdkafka= is a mapping of its options, got {type(given).__name__}"
        raise ConfigurationError(msg)

    passed = dict(given or {})

    for name, text in texts.items():
        if str(passed.get(name, text)) != text:
            msg = f"librdkafka's {name} stands in the URL and, with another value, as a keyword"
            raise ConfigurationError(msg)

        passed[name] = text

    for name in passed:
        if name in _SET_BY:
            msg = f"librdkafka= takes no {name}; it is set by {_SET_BY[name]}"
            raise ConfigurationError(msg)

    for name in passed.keys() & set(_NUMBERS):
        number_option(name, passed[name])

    for name in passed.keys() & set(_CALLED):
        if not callable(passed[name]):
            msg = f"librdkafka= has a {name} that cannot be called: {passed[name]!r:.60}"
            raise ConfigurationError(msg)

    return passed


def _text(name: str, value: Any, *, optional: bool = True) -> str | None:
    if value is None and optional:
        return None

    if not isinstance(value, str) or not value or "\0" in value:
        msg = f"{name}= takes a non-empty str, got {value!r:.80}"
        raise ConfigurationError(msg)

    return value


def _mechanism(name: str, value: Any) -> str | None:
    if value is None or value in MECHANISMS:
        return None if value is None else str(value)

    msg = f"{name}= takes one of {', '.join(MECHANISMS)}, got {value!r:.60}"
    raise ConfigurationError(msg)


def _count(name: str, value: Any) -> int | None:
    if value is None or (type(value) is int and value > 0):
        return value

    msg = f"{name}= takes a whole number from 1 on, or None for the broker's own, got {value!r:.60}"
    raise ConfigurationError(msg)


def _session(name: str, value: Any) -> float:
    least, most = _SESSION

    if type(value) in (int, float) and math.isfinite(value) and least <= value <= most:
        return float(value)

    msg = f"{name}= takes {least:g} to {most:g} seconds, got {value!r:.60}"
    raise ConfigurationError(msg)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "create_topics": partial(flag_option, "create_topics"),
    "group_instance_id": str,
    # For who reads what there is; those that are said are taken out before.
    f"{_PASSED}<name>": str,
    "partitions": int,
    "replication": int,
    "sasl_mechanism": str,
    "session_timeout": float,
    "ssl_ca": str,
    "ssl_cert": str,
    "ssl_key": str,
}
_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "create_topics": flag_option,
    "group_id": _text,
    "group_instance_id": _text,
    "partitions": _count,
    "replication": _count,
    "sasl_mechanism": _mechanism,
    "session_timeout": _session,
    "ssl_ca": _text,
    "ssl_cert": _text,
    "ssl_key": _text,
}

OWN: frozenset[str] = frozenset({*_CHECKS, "deadline", "librdkafka"})
"""The keywords of the constructor that are not delivery's."""
