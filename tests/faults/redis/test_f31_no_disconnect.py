"""F31: a program ends, or forgets its cache, without ``disconnect``."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from ...servers.counters import Counters
from ...servers.server import RedisServer
from .._watch import until

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, gc, sys
from infrastructure.caching.redis import RedisCache

url, mode = sys.argv[1:]

async def used():
    cache = RedisCache(url, mode=mode)
    await cache.connect()
    await cache.set("key", "value")
    return cache

async def main():
    {main}

{run}
print("ended")
"""

ENDINGS = {
    "the loop is closed": ("await used()", "asyncio.run(main())"),
    "calls are under way": (
        "c = await used(); _ = [*map(asyncio.ensure_future, map(c.get, ['k'] * 50))]",
        "asyncio.run(main())",
    ),
    "it is collected while the loop runs": (
        "await used(); gc.collect(); await asyncio.sleep(0.05)",
        "asyncio.run(main())",
    ),
    "it is collected after its loop": (
        "return await used()",
        "cache = asyncio.run(main()); del cache; gc.collect()",
    ),
    "an error ends the program": (
        "cache = await used(); 1 / 0",
        "try:\n    asyncio.run(main())\nexcept ZeroDivisionError:\n    pass",
    ),
    "two loops use it in turn": (
        "await cache.connect(); await cache.get('key')",
        "cache = asyncio.run(used()); asyncio.run(main()); asyncio.run(main())",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_F31_the_program_ends_in_peace(
    private_valkey: RedisServer, counters: Counters, mode: str, ending: tuple[str, str]
) -> None:
    """Within 5 s, without a traceback; a ResourceWarning is fine, and the server is left alone."""
    main, run = ending
    program = PROGRAM.format(main=main, run=run)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, private_valkey.url, mode, stdout=PIPE, stderr=PIPE
    )

    try:
        async with asyncio.timeout(5):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise

    assert (process.returncode, out) == (0, b"ended\n"), err.decode()
    assert b"Traceback" not in err, err.decode()
    await until(lambda: counters.read().open == 0, counters.clients)
