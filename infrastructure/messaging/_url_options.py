"""Options in the query of a URL: texts there, values in the constructor."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from .._core.urls import flag_option, refuse_unknown
from ..interfaces.exceptions import ConfigurationError
from ._options import DeliveryOptions

__all__ = ["full_signature", "with_url_options"]

Read = Callable[[str], Any]


def _pair(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


_TAKES: Mapping[Read, str] = {
    int: "a whole number",
    float: "a number",
    _pair: "two numbers with a comma between them",
}
"""What a reader reads, in words."""

_READERS: Mapping[str, Read] = {
    "attempts": int,
    "backoff": _pair,
    "codec": str,
    "dead_letter_topic": str,
    "dead_letters": partial(flag_option, "dead_letters"),
    "deadline": float,
    "drain_timeout": float,
    "group_id": str,
    "handler_timeout": float,
    "lanes": int,
    "max_message_bytes": int,
    "order": str,
    "outage_retry": float,
    "window": int,
    "window_bytes": int,
}


def with_url_options(
    cls: type, texts: Mapping[str, str], given: Mapping[str, Any], own: Mapping[str, Read]
) -> dict[str, Any]:
    """Return the keyword options ``given`` to ``cls`` and those of its URL together.

    ``own`` reads the options that only this backend has. ``clock`` and ``reject_on`` are no
    texts; ``backoff`` is two numbers with a comma.
    """
    readers = {**_READERS, **own}
    refuse_unknown(texts, readers, f"the URL of {cls.__name__}")
    # Those of delivery are in ``given`` only where somebody said them.
    delivery = {item.name for item in fields(DeliveryOptions)}
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(cls).parameters.items()
        if name not in delivery
    }
    merged = dict(given)

    for name, text in texts.items():
        value = merged[name] = _read(name, text, readers[name])

        if given.get(name, value) not in (defaults.get(name, value), value):
            msg = f"{name} is {text!r:.60} in the URL and {given[name]!r:.60} as a keyword: say it once"
            raise ConfigurationError(msg)

    return merged


def _read(name: str, text: str, read: Read) -> Any:
    try:
        return read(text)
    except ValueError as exc:
        msg = f"the option {name} of the URL is {_TAKES[read]}, got {text!r:.60}"
        raise ConfigurationError(msg) from exc


def full_signature(init: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a constructor with the delivery options spelt out."""
    signature = inspect.signature(init)
    _, *parameters = signature.parameters.values()
    own = [each for each in parameters if each.kind is not each.VAR_KEYWORD]

    if len(own) == len(parameters):
        return signature.replace(parameters=own)

    shared = [
        inspect.Parameter(
            item.name, inspect.Parameter.KEYWORD_ONLY, default=item.default, annotation=item.type
        )
        for item in fields(DeliveryOptions)
    ]
    return signature.replace(parameters=[*own, *shared])
