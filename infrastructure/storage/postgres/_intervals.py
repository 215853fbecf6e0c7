"""Widths of time as users give them: a ``timedelta``, a text such as ``'7 days'``, or an int."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from ...interfaces.exceptions import ValidationError
from .._shown import shown

__all__ = ["Width", "as_argument", "check_width"]

Width = str | int
"""An interval in the one spelling that the server reads, or a width of integers."""

_UNIT = "(?:microsecond|millisecond|second|minute|hour|day|week|month|year)s?"
_TEXT = re.compile(rf"\s*[0-9]{{1,9}} +{_UNIT}(?: +[0-9]{{1,9}} +{_UNIT})*\s*", re.IGNORECASE)
_MOST = 2**63 - 1


def check_width(value: Any, what: str) -> Width:
    """Return a width greater than 0, or raise ``ValidationError`` that names ``what`` it is of."""
    if isinstance(value, timedelta) and value > timedelta(0):
        microseconds = (value - timedelta(value.days)) // timedelta(microseconds=1)
        return f"{value.days} days {microseconds} microseconds"

    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST:
        return int(value)

    if isinstance(value, str) and _TEXT.fullmatch(value) and re.search("[1-9]", value):
        return value.strip().lower()

    msg = (
        f"{what} is a timedelta, a text such as '7 days' or '1 month', or an int for a column of "
        f"integers, and greater than 0; got {shown(value)}"
    )
    raise ValidationError(msg)


def as_argument(width: Width, number: int) -> str:
    """Return how a statement reads the width as its parameter of that number."""
    return f"${number}::bigint" if isinstance(width, int) else f"${number}::text::interval"
