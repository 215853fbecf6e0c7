"""The tables of what was seen, and where and when."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from ._part import Part

__all__ = ["Rows", "page", "with_part"]

Rows = Mapping[str, Mapping[str, str]]
"""What was seen, by fault and client."""

_HEAD = """# What clients make of faults

Written by `make faults-table` (`benchmarks/faults`): each client with the settings that it has when nobody sets
anything, a server of its own for each measurement, a proxy between them. What is seen depends on versions and on the
machine. Each measurement has a process of its own and a limited time: a hang is told, not waited for.
"""


_SECTION = "\n## "


def page(parts: Mapping[str, Part], rows: Mapping[str, Rows]) -> str:
    """Return the text of the page."""
    return _HEAD + "".join(_section(part, rows[name]) for name, part in parts.items())


def with_part(text: str, part: Part, rows: Rows) -> str:
    """Return the page ``text`` with one of its parts measured again, or as a further one."""
    _, *sections = text.split(_SECTION)
    kept = {section.partition("\n")[0]: _SECTION + section for section in sections}
    return _HEAD + "".join((kept | {part.title: _section(part, rows)}).values())


def _section(part: Part, rows: Rows) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in part.packages)
    clients = list(part.clients)
    machine = f"Python {platform.python_version()}, cores {os.cpu_count()}"
    lines = [
        f"{_SECTION}{part.title}\n",
        f"{part.about} Versions: {packages}.\n",
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine}.\n",
        "| fault | " + " | ".join(clients) + " |",
        "|---" * (len(clients) + 1) + "|",
    ]
    lines += [
        f"| {fault} | " + " | ".join(seen[client] for client in clients) + " |"
        for fault, seen in rows.items()
    ]
    return "\n".join(lines) + "\n"
