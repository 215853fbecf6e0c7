"""What in-process messaging is made with: a URL and keyword options, checked in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..._core.urls import Url, parse_url
from ...interfaces.exceptions import ConfigurationError
from .._options import DeliveryOptions, delivery_options
from .._url_options import with_url_options

__all__ = ["Settings", "read_settings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The name of a shared broker, ``""`` for a private one, and the checked options."""

    name: str
    group: str
    retain: int
    max_log: int
    deadline: float | None
    delivery: DeliveryOptions


def read_settings(cls: type, url: str, **given: Any) -> Settings:
    """Return what the URL and the keyword options ``given`` to ``cls`` say together."""
    parts = parse_url(url)
    options = with_url_options(cls, parts.options, given, {"retain": int, "max_log": int})
    group, deadline = options.pop("group_id"), options.pop("deadline")
    return Settings(
        name=_name_of(parts),
        group="default" if group is None else _group(group),
        retain=_count("retain", options.pop("retain"), 0),
        max_log=_count("max_log", options.pop("max_log"), 1),
        deadline=deadline,
        delivery=delivery_options(options, cls),
    )


def _name_of(parts: Url) -> str:
    plain = len(parts.hosts) <= 1 and not any(port for _, port in parts.hosts)

    if parts.scheme != "memory" or not plain or parts.path or parts.user or parts.password:
        msg = "in-process messaging is opened by memory:// (private) or memory://name (shared)"
        raise ConfigurationError(msg)

    return parts.hosts[0][0] if parts.hosts else ""


def _count(name: str, number: Any, least: int) -> int:
    if type(number) is not int or number < least:
        msg = f"{name}= takes a whole number from {least} on, got {number!r:.60}"
        raise ConfigurationError(msg)

    return number


def _group(group_id: Any) -> str:
    if not isinstance(group_id, str) or not group_id:
        msg = f"group_id= takes a non-empty str, got {group_id!r:.80}"
        raise ConfigurationError(msg)

    return group_id
