"""Each measurement has a process of its own, which is ended when it takes too long."""

from __future__ import annotations

import asyncio
import builtins
import sys
from contextlib import suppress

__all__ = ["LONGEST", "measured"]

LONGEST = 180.0
"""Seconds that a measurement may take."""

_LEAVING = 15.0


async def measured(part: str, measure: str, client: str) -> str:
    """Return what was seen: the last line that it prints.

    A client that loses a cancellation or never closes takes nobody else's time.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.faults", "--one", part, measure, client),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None

    try:
        async with asyncio.timeout(LONGEST):
            told = (await process.stdout.readline()).decode().strip()
    except builtins.TimeoutError:
        told = f"no end in {LONGEST:g} s"

    # It has told, and may still tidy up.
    with suppress(builtins.TimeoutError):
        async with asyncio.timeout(_LEAVING):
            await process.wait()

    if process.returncode is None:
        process.kill()
        await process.wait()

    return told or f"ended with status {process.returncode}"
