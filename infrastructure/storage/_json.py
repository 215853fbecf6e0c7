"""Writes a Python value as JSON text that every database takes and gives back the same."""

from __future__ import annotations

import json
import re
from typing import Any

from ..interfaces.exceptions import ValidationError
from ._shown import shown

__all__ = ["encode_json"]

_DUMPS = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def encode_json(value: Any) -> str:
    """Return ``value`` as JSON; ``ValidationError`` for what JSON does not carry.

    That is: nan and infinities, keys that are not ``str`` (the encoder would turn them into
    text silently), NUL and lone surrogates, and every class but the plain ones.
    """
    try:
        text = _DUMPS(value)
        _check_keys(value)

        if not text.isascii():
            text.encode()
    except (TypeError, ValueError, RecursionError) as exc:
        msg = f"JSON does not carry the {type(value).__name__} {shown(value)}: {exc}"
        raise ValidationError(msg) from exc

    if "\\u0000" in text and _NUL.search(text):
        msg = "a str in JSON contains NUL, which PostgreSQL's jsonb cannot store"
        raise ValidationError(msg)

    return text


def _check_keys(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                msg = f"its key {shown(key)} is no str"
                raise TypeError(msg)

            _check_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_keys(item)
