"""How much memory a process takes at most that does nothing but write, or read, all flights."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ._flights import COUNT, READERS, WRITERS, flights

__all__ = ["peak", "run_alone"]

_ROOT = Path(__file__).resolve().parents[1]
_STATUS = Path("/proc/self/status")


async def peak(operation: str, name: str, url: str) -> float:
    """Return the mebibytes, interpreter and driver among them; only Linux tells."""
    return await run_alone("benchmarks._peak", operation, name, url)


async def run_alone(module: str, *arguments: str) -> float:
    """Return the number that ``module`` prints in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, f"{module} {' '.join(arguments)} failed"
    return float(told)


async def _write(name: str, url: str) -> None:
    async with WRITERS[name](url) as write:
        await write(flights())


async def _read(name: str, url: str) -> None:
    async with READERS[name](url) as read:
        count = 0

        async for _ in read():
            count += 1

        assert count == COUNT


def _main() -> None:
    operation, name, url = sys.argv[1:]
    asyncio.run({"write": _write, "read": _read}[operation](name, url))
    # Not ru_maxrss: Linux counts in what the parent had when it made this process.
    print(next(int(line.split()[1]) / 1024 for line in _lines() if line.startswith("VmHWM:")))


def _lines() -> list[str]:
    return _STATUS.read_text().splitlines()


if __name__ == "__main__":
    _main()
