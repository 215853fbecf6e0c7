"""F31: a program ends, or forgets its storage, without ``disconnect``."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from ...servers.postgres_endpoint import PostgresEndpoint
from .._watch import until

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, gc, sys
from infrastructure.storage.postgres import PostgresStorage

url = sys.argv[1]

async def used():
    storage = PostgresStorage(url)
    await storage.connect()
    for _ in range(4):
        await storage.execute("SELECT 1 AS n")
        await asyncio.sleep(0.01)
    return storage

async def main():
    {main}

{run}
print("ended")
"""

ENDINGS = {
    "the loop is closed": ("await used()", "asyncio.run(main())"),
    "calls are under way": (
        "s = await used(); _ = [asyncio.ensure_future(s.execute('SELECT 1 AS n')) for _ in range(50)]",
        "asyncio.run(main())",
    ),
    "a transaction is open": (
        "s = await used(); await s.begin_transaction(); await s.execute('SELECT 1 AS n')",
        "asyncio.run(main())",
    ),
    "somebody listens": (
        "s = await used(); n = s.listen('x'); await n.__aenter__()",
        "asyncio.run(main())",
    ),
    "it is collected while the loop runs": (
        "await used(); gc.collect(); await asyncio.sleep(0.05)",
        "asyncio.run(main())",
    ),
    "it is collected after its loop": (
        "return await used()",
        "storage = asyncio.run(main()); del storage; gc.collect()",
    ),
    "an error ends the program": (
        "storage = await used(); 1 / 0",
        "try:\n    asyncio.run(main())\nexcept ZeroDivisionError:\n    pass",
    ),
    "two loops use it in turn": (
        "await storage.connect(); await storage.execute('SELECT 1 AS n')",
        "storage = asyncio.run(used()); asyncio.run(main()); asyncio.run(main())",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_F31_the_program_ends_in_peace(
    database: PostgresEndpoint, ending: tuple[str, str]
) -> None:
    """Within 5 s, without a traceback; a ResourceWarning is fine, and the server is left alone."""
    main, run = ending
    program = PROGRAM.format(main=main, run=run)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, database.url, stdout=PIPE, stderr=PIPE
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

    with database.counters() as counters:
        await until(lambda: not counters.read().open, counters.sessions)
