"""``execute_many`` leaves in a hypertable what single INSERTs leave, whatever it does with them."""

from __future__ import annotations

import pytest

from infrastructure.interfaces.exceptions import ValidationError

from ...servers.postgres_endpoint import PostgresEndpoint
from .bulk_outcomes import NOT_PREPARED, Outcome, outcome
from .bulk_tables import Case
from .hypertable_tables import HYPERTABLES

pytestmark = pytest.mark.slow

CLEAN = "DROP SCHEMA IF EXISTS cases CASCADE; CREATE SCHEMA cases"


async def of(server: PostgresEndpoint, case: Case, bulk: str) -> Outcome:
    # The extension is in public: that one stays.
    return await outcome(server, case, bulk, clean=CLEAN, path="cases, public")


@pytest.mark.parametrize("case", HYPERTABLES.values(), ids=[*HYPERTABLES])
async def test_the_same_rows_are_left_as_by_single_inserts(
    timescale: PostgresEndpoint, case: Case
) -> None:
    """The same rows and side effects, or the same error; bulk="copy" does it or says why not."""
    single = await of(timescale, case, "singly")

    for bulk in timescale.bulk:
        found = await of(timescale, case, bulk)

        if bulk == "copy" and not case.copies:
            assert found.kind is not None
            assert found.kind[0] is ValidationError or found.kind[1] in NOT_PREPARED
            continue

        assert found.rows == single.rows, bulk
        assert found.kind == single.kind, bulk
        assert found.row_index in (None, single.row_index), bulk
