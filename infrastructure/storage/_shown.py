"""How a value is shown in the text of an error."""

from __future__ import annotations

from typing import Any

__all__ = ["shown"]


def shown(value: Any, length: int = 60) -> str:
    """Return the beginning of a value's repr; never fails."""
    try:
        return repr(value)[:length]
    except Exception:  # noqa: BLE001 - Python refuses to print an int of thousands of digits
        return f"<{type(value).__name__} that cannot be printed>"
