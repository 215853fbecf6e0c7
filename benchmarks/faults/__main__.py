"""Put every client through every fault, and write the table: python -m benchmarks.faults [part of a name]."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from . import kafka, postgres, redis
from ._alone import measured
from ._page import Rows, page, with_part
from ._part import Part

_FILE = Path(__file__).resolve().parents[2] / "docs/reference/faults.md"

PARTS: Mapping[str, Part] = {
    "redis": redis.PART,
    "postgres": postgres.PART,
    "kafka": kafka.PART,
}


def main() -> int:
    """Measure; the page is written when everything was asked, or all of one part."""
    parser = argparse.ArgumentParser(prog="benchmarks.faults", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="part of the name of a fault")
    parser.add_argument(
        "--part", choices=PARTS, help="measure it alone; the others stay as they are"
    )
    parser.add_argument("--one", nargs=3, metavar=("PART", "FAULT", "CLIENT"))
    given = parser.parse_args()

    if given.one:
        asyncio.run(_one(*given.one))
        return 0

    names = [given.part] if given.part else list(PARTS)
    rows = {name: asyncio.run(_rows(name, given.only)) for name in names}

    if not given.only:
        _FILE.write_text(_text(rows), encoding="utf-8")

    return 0


def _text(rows: Mapping[str, Rows]) -> str:
    """Return the page with what was measured."""
    if rows.keys() == PARTS.keys():
        return page(PARTS, rows)

    text = _FILE.read_text(encoding="utf-8")

    for name, seen in rows.items():
        text = with_part(text, PARTS[name], seen)

    return text


async def _one(part: str, measure: str, client: str) -> None:
    told = await PARTS[part].seen(measure, client)
    print(" ".join(told.split()), flush=True)


async def _rows(part: str, only: str) -> Rows:
    """Return what was seen, by fault and client."""
    rows: dict[str, dict[str, str]] = {}

    for name, measure in PARTS[part].measures.items():
        if only not in f"{part}-{name}":
            continue

        told = str(measure.__doc__).strip().rstrip(".")
        rows[told] = {}

        for client in PARTS[part].clients:
            rows[told][client] = await measured(part, name, client)
            print(f"{part}-{name}, {client}: {rows[told][client]}", flush=True)

    return rows


if __name__ == "__main__":
    sys.exit(main())
