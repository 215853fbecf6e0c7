"""How long does a memory cache with a million live keys hold the event loop, and how fast is it?

Run it: ``python benchmarks/memory_stall.py [keys]``. A beacon task notes the longest gap between
two turns of the loop while the cache grows, is swept, scanned and pushed over its limits: the
processor time of it, and the wall clock's, in which other processes of the machine have a share.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable

from infrastructure.caching.memory import MemoryCache


class Beacon:
    """Measures the gaps between the turns of the loop."""

    def __init__(self) -> None:
        self.restart()

    async def run(self) -> None:
        """Turn with the loop until cancelled."""
        while True:
            wall, busy = time.perf_counter(), time.thread_time()
            self.longest = max(self.longest, wall - self._wall)
            self.longest_busy = max(self.longest_busy, busy - self._busy)
            self._wall, self._busy = wall, busy
            await asyncio.sleep(0)

    def restart(self) -> None:
        """Forget the gaps so far."""
        self.longest = self.longest_busy = 0.0
        self._wall, self._busy = time.perf_counter(), time.thread_time()


async def phase(name: str, beacon: Beacon, work: Callable[[], Awaitable[object]]) -> None:
    """Run ``work`` beside the beacon and print what it took."""
    await asyncio.sleep(0)
    beacon.restart()
    begun = time.perf_counter()
    await work()
    await asyncio.sleep(0)
    took = time.perf_counter() - begun
    wall, busy = beacon.longest * 1000, beacon.longest_busy * 1000
    print(f"{name:<36}{took:6.2f} s   longest stall {busy:6.2f} ms of work, {wall:6.2f} ms in all")


async def speed(name: str, call: Callable[[], Awaitable[object]], count: int = 200_000) -> None:
    """Print how often a plain loop of awaits runs ``call``."""
    begun = time.perf_counter()

    for _ in range(count):
        await call()

    print(f"{name:<36}{count / (time.perf_counter() - begun) / 1e6:8.2f} M/s")


async def main(keys: int) -> None:
    """Grow, read, sweep, scan, overflow."""
    beacon = Beacon()

    async def grow() -> None:
        for number in range(keys):
            await cache.set(f"key:{number}", number, 2 if number % 2 else None)

            if not number % 100:
                await asyncio.sleep(0)

    async def idle() -> None:
        for _ in range(80):
            await asyncio.sleep(0.05)

    async with MemoryCache(max_entries=keys) as cache:
        await cache.set("hot", 5)
        await speed("get of an int", lambda: cache.get("hot"))
        await speed("set of an int", lambda: cache.set("hot", 5))
        beaming = asyncio.create_task(beacon.run())
        await phase("nothing: the machine's own noise", beacon, idle)
        await phase(f"growth to {keys:,} keys", beacon, grow)
        await phase("scan of every key", beacon, lambda: cache.scan_keys("*9"))
        await phase("sweep of the expired half", beacon, idle)
        print(f"{'':<36}{cache.stats}")
        batch = {f"more:{number}": "x" for number in range(keys // 10)}
        await phase("set_many of a tenth, evicting", beacon, lambda: cache.set_many(batch))
        await phase("delete_many of those", beacon, lambda: cache.delete_many(batch))
        beaming.cancel()


if __name__ == "__main__":
    # The collector's own pauses are the interpreter's, not the cache's: they grow with the heap.
    gc.freeze()
    gc.disable()
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
