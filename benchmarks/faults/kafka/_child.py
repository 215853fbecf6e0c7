"""A member of a group, or a publisher, in a process of its own, which writes down what it does.

usage: python -m benchmarks.faults.kafka._child ROLE CLIENT BOOTSTRAP TOPIC GROUP JOURNAL POLL.
It closes at a SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from ._clients import CLIENTS, Client, Publish

TASKS = 20


class Notes:
    """Appends events as ``Journal`` reads them."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        # Handlers need no time once it is there.
        self._quick = Path(f"{path}.quick")

    def note(self, what: str, *more: Any) -> None:
        """Write at once: a process that is killed flushes nothing."""
        told = [time.monotonic(), os.getpid(), what, *more]
        os.write(self._file, json.dumps(told).encode() + b"\n")

    async def handle(self, payload: bytes) -> None:
        """Take a message that says how long that takes, and whether it fails."""
        key, number, seconds, is_poison = json.loads(payload)
        self.note("begin", key, number)

        try:
            await asyncio.sleep(0 if self._quick.exists() else seconds)
        except asyncio.CancelledError:
            self.note("cancelled", key, number)
            raise

        if is_poison:
            msg = "poison"
            raise ValueError(msg)

        self.note("end", key, number)

    async def publish(self, publish: Publish, key: str) -> None:
        """Publish on and on."""
        number = 0

        while True:
            await publish(key.encode(), json.dumps([key, number, 0, False]).encode())
            self.note("acknowledged", key, number)
            number += 1


async def consume(client: Client, bootstrap: str, topic: str, *more: str) -> None:
    """Be a member until the signal."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    group, journal, poll = more
    notes = Notes(journal)

    async with client.consume(bootstrap, topic, group, notes.handle, float(poll)) as running:
        ends: set[asyncio.Future[Any]] = {asyncio.ensure_future(stop.wait()), running}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)

        if running.done():
            running.result()

    notes.note("left")


async def publish(client: Client, bootstrap: str, topic: str, *more: str) -> None:
    """Publish with twenty tasks until it is killed."""
    notes = Notes(more[1])

    async with client.publish(bootstrap, topic) as one, asyncio.TaskGroup() as tasks:
        for key in range(TASKS):
            tasks.create_task(notes.publish(one, f"k{key}"))


if __name__ == "__main__":
    role, name, *given = sys.argv[1:]
    asyncio.run({"consume": consume, "publish": publish}[role](CLIENTS[name], *given))
