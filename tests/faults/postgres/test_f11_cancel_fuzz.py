"""F11: thousands of statements and transactions are cancelled at random moments."""

from __future__ import annotations

import asyncio
import random

import pytest

from ...servers.postgres_endpoint import PostgresEndpoint
from .._timing import draw_seed, share
from .._watch import nothing_left, until
from ._sessions import unrest
from ._storage_cancels import StorageCancels
from ._storages import Make, Note

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]

CONNECTIONS = 10


async def test_F11_cancelled_statements_do_no_harm(
    make: Make, database: PostgresEndpoint, record_property: Note
) -> None:
    """No foreign answer, no lost cancellation, no half transaction, no lock, no further connection."""
    seed = draw_seed()

    async with nothing_left():
        with database.counters() as counters:
            async with make(deadline=10, max_connections=CONNECTIONS) as storage:
                cancels = StorageCancels(storage, random.Random(seed))
                await cancels.prepare()
                await cancels.run(share(100_000))
                counts = cancels.counts
                assert counts["cancelled"] > counts["operations"] / 4, counts
                assert (counts["foreign"], counts["lost"]) == (0, 0), (seed, counts)
                await until(lambda: not unrest(counters), counters.sessions)
                await until(lambda: counters.read().open <= CONNECTIONS, counters.sessions)
                assert await cancels.torn() == 0, seed
                numbers = range(100)
                await asyncio.gather(*map(cancels._echo, numbers), *map(cancels._read, numbers))
                assert counts["foreign"] == 0, seed

            await until(lambda: not counters.read().open, counters.sessions)

    for name in ("operations", "cancelled", "foreign", "lost"):
        record_property(f"cancel fuzz: {name}", counts[name])

    record_property("cancel fuzz: seed", seed)
