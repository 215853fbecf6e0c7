"""Connects, forks in the middle of its work, and sees what parent and child can do then."""

from __future__ import annotations

import asyncio
import math
import os
import sys

from infrastructure.interfaces.exceptions import ConfigurationError
from infrastructure.storage.postgres import PostgresStorage


def patient() -> None:
    """Let the loop not complain, in its debug mode, of a step that the machine made long."""
    asyncio.get_running_loop().slow_callback_duration = math.inf


async def works(storage: PostgresStorage, who: int, times: int = 100) -> None:
    """Expect so many right answers."""
    for number in range(times):
        [row] = await storage.execute("SELECT $1::bigint AS n", [who + number])
        assert row["n"] == who + number, f"{who}: {row!r}, not {number}"

    async with storage.transaction():
        [row] = await storage.execute("SELECT pg_backend_pid() AS pid")
        assert row["pid"]


async def child(storage: PostgresStorage) -> None:
    """Be refused, connect, work, leave."""
    patient()

    try:
        await storage.execute("SELECT 1 AS n")
    except ConfigurationError:
        await storage.connect()
        await works(storage, 10_000)
        await storage.disconnect()
        print("child: right", flush=True)
    else:
        sys.exit("the child used its parent's connection")


async def parent(url: str) -> None:
    """Fork while answers are on their way."""
    patient()

    async with PostgresStorage(url) as storage:
        await works(storage, 0, 10)
        under_way = [
            asyncio.create_task(storage.execute("SELECT $1::bigint AS n", [n])) for n in range(5)
        ]
        await asyncio.sleep(0)
        pid = os.fork()

        if pid == 0:
            code = 1

            try:
                asyncio.run(child(storage))
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)

        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert await asyncio.gather(*under_way) == [[{"n": n}] for n in range(5)]
        await works(storage, 0)
        print("parent: right")


if __name__ == "__main__":
    asyncio.run(parent(*sys.argv[1:]))
