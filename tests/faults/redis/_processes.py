"""Starts processes of callers, sends them off at once, and collects what they got."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

__all__ = ["Callers", "callers"]

SCRIPT = Path(__file__).with_name("callers.py")


class Callers:
    """One such process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def said(self, word: str) -> None:
        """Return when it says so."""
        assert self.process.stdout is not None

        async with asyncio.timeout(20):
            assert (await self.process.stdout.readline()).decode().strip() == word

    def go(self) -> None:
        """Let its callers call."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    async def result(self) -> dict[str, Any]:
        """Return what it printed at its end."""
        assert self.process.stdout is not None

        async with asyncio.timeout(20):
            *_, last = (await self.process.stdout.read()).decode().splitlines()
            assert await self.process.wait() == 0
            found: dict[str, Any] = json.loads(last)
            return found


@asynccontextmanager
async def callers(count: int, *arguments: object) -> AsyncIterator[list[Callers]]:
    """Give so many processes, ready to go; those that still run are killed at the end."""
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    pipe = asyncio.subprocess.PIPE
    started = [
        Callers(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        for _ in range(count)
    ]

    try:
        await asyncio.gather(*(one.said("ready") for one in started))
        yield started
    finally:
        for one in started:
            if one.process.returncode is None:
                one.process.kill()

            await one.process.wait()
            one.process._transport.close()
