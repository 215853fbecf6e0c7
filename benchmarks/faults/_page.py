"""The tables of what was seen, and where and when."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from ._part import Part

__all__ = ["Rows", "page"]

Rows = Mapping[str, Mapping[str, str]]
"""What was seen, by fault and client."""

_HEAD = """# What clients make of faults

Written by `make faults-table` (`benchmarks/faults`): each client with the settings that it has when nobody sets
anything, a server of its own for each measurement, a proxy between them. What is seen depends on versions and on the
machine. Each measurement has a process of its own and a limited time: a hang is told, not waited for.
"""


def page(parts: Mapping[str, Part], rows: Mapping[str, Rows]) -> str:
    """Return the text of the page."""
    told = f"Measured on {datetime.now(UTC):%Y-%m-%d}: Python {platform.python_version()}, cores {os.cpu_count()}."
    tables = [_table(part, rows[name]) for name, part in parts.items()]
    return "\n".join((_HEAD, told, *tables))


def _table(part: Part, rows: Rows) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in part.packages)
    clients = list(part.clients)
    lines = [f"\n## {part.title}\n", f"{part.about} Versions: {packages}.", ""]
    lines += ["| fault | " + " | ".join(clients) + " |", "|---" * (len(clients) + 1) + "|"]
    lines += [
        f"| {fault} | " + " | ".join(seen[client] for client in clients) + " |"
        for fault, seen in rows.items()
    ]
    return "\n".join(lines) + "\n"
