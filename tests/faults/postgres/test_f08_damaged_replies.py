"""F8: a bit of a reply is flipped, or a message comes that nobody asked for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from infrastructure import InfrastructureError, deadline
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from .._outcomes import all_ended, ended
from .._relay import Relay
from .._timing import PATIENT, SLACK, SOAK, connected, draw_seed, share, within
from ._storages import Make, Note

pytestmark = pytest.mark.slow

DEADLINE = 0.1
READ = "SELECT value FROM answers WHERE key = $1"
KEYS = [f"key {n}" for n in range(20)]
VALUES: dict[str, Any] = {key: f"{key}: {'x' * (40 + n)}" for n, key in enumerate(KEYS)}
"""Each says whose it is.

Their lengths are such that no flipped bit makes one of them swallow exactly the next.
"""


async def read(storage: PostgresStorage, key: str) -> Any:
    """Return what the storage says is the value of ``key``."""
    rows = await storage.execute(READ, [key])
    return rows[0].get("value") if rows else None


async def fill(storage: PostgresStorage) -> None:
    """Store the values, and read until reads may share a connection."""
    rows = [*map(list, VALUES.items())]

    with deadline(PATIENT):
        await storage.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, value TEXT)")
        await storage.execute_many("INSERT INTO answers VALUES ($1, $2)", rows)

        for _ in range(5):
            await asyncio.gather(*(read(storage, key) for key in KEYS))


@pytest.fixture
async def filled(make: Make, proxy: ChaosProxy) -> AsyncIterator[PostgresStorage]:
    """Give a connected storage that has the values."""
    async with make(proxy, deadline=10) as storage:
        await fill(storage)

    async with connected(make(proxy, deadline=DEADLINE)) as storage:
        for _ in range(5):
            await all_ended([partial(read, storage, key) for key in KEYS], 1)

        yield storage


def check(key: str, end: Any, seed: int | None = None) -> None:
    """Fail when what a read of ``key`` ended with is another key's."""
    others = [value for other, value in VALUES.items() if other != key]
    assert isinstance(end, InfrastructureError) or end not in others, (
        f"{key} got {end!r}, seed {seed}"
    )


async def recovered(storage: PostgresStorage, seconds: float = 1.0) -> None:
    """Return when the storage answers right again, which it must within so many; never wrong."""
    with within(seconds + DEADLINE + SLACK):
        while (end := await ended(partial(read, storage, "key 3"), DEADLINE)) != VALUES["key 3"]:
            check("key 3", end)


async def test_F8_a_flipped_bit_gives_nobody_another_value(
    filled: PostgresStorage, proxy: ChaosProxy
) -> None:
    """Of each byte of a reply: the value, a damaged one or an error; then right answers again."""
    seed = draw_seed()
    rng = random.Random(seed)
    before = proxy.bytes_to_client

    with deadline(PATIENT):
        await read(filled, "key 1")

    length = proxy.bytes_to_client - before

    for at in range(length):
        for bit in range(8) if SOAK else (rng.randrange(8),):
            proxy.flip(at, "to_client", bit=bit)
            check("key 1", await ended(partial(read, filled, "key 1"), DEADLINE), seed)
            await recovered(filled)
            proxy.heal()


@pytest.mark.soak
async def test_F8_a_flipped_bit_among_many_gives_nobody_another_value(
    filled: PostgresStorage, proxy: ChaosProxy, record_property: Note
) -> None:
    """As above, with twenty answers on their way."""
    seed = draw_seed()
    rng = random.Random(seed)
    flips = share(1000)

    for _ in range(flips):
        proxy.flip(rng.randrange(2000), "to_client", bit=rng.randrange(8))
        ends = await all_ended([partial(read, filled, key) for key in KEYS], DEADLINE)

        for key, end in zip(KEYS, ends, strict=True):
            check(key, end, seed)

        await recovered(filled)
        proxy.heal()

    record_property("flipped bits among 20 answers", flips)
    record_property("seed of the flipped bits", seed)


DATA = b"D\0\0\0\x0f\0\x01\0\0\0\x05alien"
DONE = b"C\0\0\0\x0dSELECT 1\0"
READY = b"Z\0\0\0\x05I"
MESSAGES = {
    "a row": DATA,
    "the end of a statement": DONE,
    "ready": READY,
    "no message": b"\xff\xff\xff\xff\xff\xff",
}


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("when", ["idle", "asked"])
async def test_F8_what_nobody_asked_for_is_nobodys(
    make: Make, database: PostgresEndpoint, message: str, when: str
) -> None:
    """Whether it comes between two statements, or before the answer of one."""
    async with Relay(database) as relay, connected(make(relay, deadline=1)) as storage:
        await fill(storage)

        if when == "idle":
            relay.inject(MESSAGES[message])
            await asyncio.sleep(0.01)
        else:
            relay.inject_when_asked(MESSAGES[message])

        ends = await all_ended([partial(read, storage, key) for key in KEYS], 1)

        for key, end in zip(KEYS, ends, strict=True):
            check(key, end)
            assert end != "alien"

        with within(1 + SLACK):
            while await ended(partial(read, storage, "key 3"), 1) != VALUES["key 3"]:
                pass


async def test_F8_an_answer_too_many_is_found_within_a_second(
    make: Make, database: PostgresEndpoint
) -> None:
    """Fifty tasks keep the connections full; the one whose answers are another's is replaced."""
    async with Relay(database) as relay, make(relay, deadline=5) as storage:
        await fill(storage)
        wrong, running = [0.0], True
        watch = Stopwatch()

        async def ask(key: str) -> None:
            while running:
                end = await ended(partial(read, storage, key), 5)

                if end != VALUES[key]:
                    wrong.append(watch.taken)

        tasks = [asyncio.ensure_future(ask(KEYS[n % 20])) for n in range(50)]
        watch = Stopwatch()
        relay.inject_when_asked(DATA + DONE + READY)
        await asyncio.sleep(1.5)
        running = False
        await asyncio.gather(*tasks)
        assert max(wrong) < 1 + SLACK
