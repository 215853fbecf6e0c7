"""A process of many callers of `get_or_set`, told by its standard input when to begin.

usage: callers.py URL PREFIX KEY CALLERS SECONDS [LEASE]. It prints `ready`, then, for the first
call of its factory, `making`; at the end one line of JSON: how often its factory was called, and
the values that its callers got.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from infrastructure.caching.redis import RedisCache


async def main(
    url: str, prefix: str, key: str, callers: str, seconds: str, lease: str = "3"
) -> None:
    calls = 0

    async def make() -> int:
        nonlocal calls
        calls += 1
        print("making", flush=True)
        await asyncio.sleep(float(seconds))
        return os.getpid()

    async with RedisCache(url, prefix=prefix, lease=float(lease)) as cache:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        got = await asyncio.gather(*(cache.get_or_set(key, make, 60) for _ in range(int(callers))))

    print(json.dumps({"calls": calls, "values": sorted(set(got)), "callers": len(got)}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
