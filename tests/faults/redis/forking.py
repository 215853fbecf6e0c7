"""Connects, forks in the middle of its work, and sees what parent and child can do then."""

from __future__ import annotations

import asyncio
import math
import os
import sys

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConfigurationError


def patient() -> None:
    """Let the loop not complain, in its debug mode, of a step that the machine made long."""
    asyncio.get_running_loop().slow_callback_duration = math.inf


async def works(cache: RedisCache, who: str, times: int = 100) -> None:
    """Expect so many right answers."""
    for number in range(times):
        await cache.set(who, number, 60)
        got = await cache.get(who)
        assert got == number, f"{who}: {got!r}, not {number}"


async def child(cache: RedisCache) -> None:
    """Be refused, connect, work, leave."""
    patient()

    try:
        await cache.get("child")
    except ConfigurationError:
        await cache.connect()
        await works(cache, "child")
        await cache.disconnect()
        print("child: right", flush=True)
    else:
        sys.exit("the child used its parent's connection")


async def parent(url: str, prefix: str) -> None:
    """Fork while a reply is on its way."""
    patient()

    async with RedisCache(url, prefix=prefix) as cache:
        await works(cache, "parent", 10)
        under_way = asyncio.create_task(cache.get("parent"))
        await asyncio.sleep(0)
        pid = os.fork()

        if pid == 0:
            code = 1

            try:
                asyncio.run(child(cache))
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)

        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert await under_way == 9
        await works(cache, "parent")
        print("parent: right")


if __name__ == "__main__":
    asyncio.run(parent(*sys.argv[1:]))
