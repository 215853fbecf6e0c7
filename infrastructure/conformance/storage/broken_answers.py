"""S3: answers that come in pieces, late, or only in part."""

from __future__ import annotations

import asyncio

from ...interfaces import ConnectionError, InfrastructureError
from .._breaking import PATIENT, answers, ends, faults_of
from .._check import check
from .._expect import equal
from .._harness import StorageHarness
from ._items import Items, hurried

__all__ = [
    "S3_answers_in_single_bytes_are_right",
    "S3_late_answers_are_right",
    "S3_rows_whose_answer_is_cut_are_whole_or_an_error",
]

_NAMES = {number: f"name {number} " * 40 for number in range(1, 6)}
_ROWS = [[number, name] for number, name in _NAMES.items()]
_READ = "SELECT id, name FROM items ORDER BY id"
_FOUND = [{"id": number, "name": name} for number, name in _NAMES.items()]


async def _one(items: Items, number: int) -> None:
    found = await items.run("SELECT id, name FROM items WHERE id = $1", [number])
    equal(found, _FOUND[number - 1 : number])


async def _all_right(items: Items) -> None:
    """Write and read, many at once, and look at each answer."""
    await items.run("DELETE FROM items")
    await items.many("INSERT INTO items (id, name) VALUES ($1, $2)", _ROWS)
    equal(await items.run(_READ), _FOUND)
    await asyncio.gather(*(_one(items, number) for number in [*_NAMES] * 3))
    await items.storage.begin_transaction()
    equal(await items.run("DELETE FROM items WHERE id = 5 RETURNING name"), [{"name": _NAMES[5]}])
    await items.storage.rollback()
    equal(await items.run(_READ), _FOUND)


@check(kind="fault")
async def S3_answers_in_single_bytes_are_right(harness: StorageHarness) -> None:
    """A network that carries byte after byte, either way: every row is whole, and its own."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, 10.0) as items:
        proxy.split(1)
        await _all_right(items)
        proxy.heal()

    proxy.split(1)

    async with harness.make(deadline=10.0) as storage:
        equal(await storage.execute("SELECT 1 AS n"), [{"n": 1}])


@check(kind="fault")
async def S3_late_answers_are_right(harness: StorageHarness) -> None:
    """A slow network: every answer is its own, and none is given up before the deadline."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, 10.0) as items:
        proxy.delay(0.03)
        await _all_right(items)
        # Slower than one that just connected would expect.
        proxy.delay(0.3, "to_client")
        equal(await items.run(_READ), _FOUND)


@check(kind="fault")
async def S3_rows_whose_answer_is_cut_are_whole_or_an_error(harness: StorageHarness) -> None:
    """The connection ends after each byte of it: all rows or a ConnectionError, and then all again."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, PATIENT) as items:
        await items.add(1, 2)
        wanted = [{"id": 1, "name": "name 1"}, {"id": 2, "name": "name 2"}]

        for _ in range(3):
            await items.run(_READ)

        before = proxy.bytes_to_client
        equal(await items.run(_READ), wanted)
        length = proxy.bytes_to_client - before

        for after in range(length):
            proxy.truncate(after, "to_client")
            found = await ends(lambda: items.run(_READ), PATIENT, f"a read cut after {after} bytes")
            proxy.heal()

            if isinstance(found, InfrastructureError):
                lost = isinstance(found, ConnectionError)
                assert lost, f"a read cut after {after} of {length} bytes raised {found!r}"
            else:
                whole = found == wanted
                assert whole, f"cut after {after} of {length} bytes it gave {found!r:.200}"

            equal(await answers(lambda: items.run(_READ), "a read afterwards"), wanted)
