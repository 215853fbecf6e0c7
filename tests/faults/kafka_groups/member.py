"""A member of a group in a process of its own, whose handler writes down what it does.

usage: member.py URL TOPIC JOURNAL OPTIONS. The last is JSON: those of ``KafkaMessaging``, and
``seconds`` that a call of its handler takes. It disconnects at a SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import replace
from typing import Any

from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import ConnectionError, TimeoutError
from infrastructure.interfaces.messaging import current_message
from infrastructure.messaging.kafka import KafkaMessaging


class Handler:
    """Takes messages of ``_load.messages``."""

    def __init__(self, journal: str, seconds: float) -> None:
        self._file = os.open(journal, os.O_WRONLY | os.O_APPEND)
        self._seconds = seconds
        self._watch = Stopwatch()

    def note(self, what: str, *name: Any) -> None:
        """Write at once: a process that is killed flushes nothing."""
        told = [time.monotonic(), os.getpid(), what, self._watch.taken, *name]
        os.write(self._file, json.dumps(told).encode() + b"\n")

    async def __call__(self, payload: Any) -> None:
        key, number, is_poison = payload
        name = (key, number, current_message().id)
        self.note("begin", *name)

        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.note("cancelled", *name)
            raise

        self.note("end", *name)

        if is_poison:
            msg = "poison"
            raise ValueError(msg)


async def connect(messaging: KafkaMessaging) -> None:
    """Connect, when its broker is there."""
    while True:
        try:
            await messaging.connect()
        except (ConnectionError, TimeoutError):
            await asyncio.sleep(0.1)
        else:
            return


async def main(url: str, topic: str, journal: str, options: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    given = json.loads(options)
    handler = Handler(journal, given.pop("seconds"))

    if "backoff" in given:
        given["backoff"] = tuple(given["backoff"])

    session = given.pop("session_timeout")
    messaging = KafkaMessaging(url, **given)
    # A program may not ask for one that is shorter than 6 s.
    messaging._settings = replace(messaging._settings, session_timeout=session)
    await messaging.subscribe(topic, handler)
    await connect(messaging)
    handler.note("joined")
    await stop.wait()
    await messaging.disconnect()
    handler.note("left")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
