"""Run in a fresh interpreter: import modules and print, as JSON, what that did."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import sys
import threading

__all__ = ["probe"]

OUTWARD = (
    "socket.",
    "subprocess.",
    "sqlite3.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def probe(names: list[str]) -> dict[str, object]:
    """Import ``names``; report the modules, threads, handlers and outward events this brought."""
    events: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if not watching:
            return

        if event.startswith(OUTWARD):
            events.append(event)
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
            events.append(f"open {arguments[0]!r} for writing")

    # The standard library may do what it likes when it is imported; asyncio was, above.
    before, handlers = set(sys.modules), list(logging.getLogger().handlers)
    threads = threading.active_count()
    sys.addaudithook(watch)

    for name in names:
        importlib.import_module(name)

    watching = False
    # Asking for the policy or the loop would make one: these look without touching.
    policy = asyncio.events._event_loop_policy  # type: ignore[attr-defined]
    loop = policy and policy._local._loop

    return {
        "modules": sorted(set(sys.modules) - before),
        "threads": threading.active_count() - threads,
        "handlers": len(logging.getLogger().handlers) - len(handlers),
        "loop": loop is not None,
        "events": events,
    }


if __name__ == "__main__":
    print(json.dumps(probe(sys.argv[1:])))
