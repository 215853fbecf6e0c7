"""Which TimescaleDB takes many rows with ON CONFLICT in one command."""

from __future__ import annotations

import pytest

from infrastructure.storage.postgres._eligible import ends_early
from infrastructure.storage.postgres._insert import insert_of

INSERT = "INSERT INTO t (a, b) VALUES ($1, $2)"
NOTHING = INSERT + " ON CONFLICT DO NOTHING"
UPDATE = INSERT + " ON CONFLICT (a) DO UPDATE SET b = excluded.b"


@pytest.mark.parametrize(
    ("version", "text", "early"),
    [
        ([2, 17, 2], NOTHING, True),
        ([2, 18, 0], NOTHING, True),
        ([2, 18, 1], NOTHING, False),
        ([2, 20], NOTHING, False),
        (None, NOTHING, False),
        ([2, 17, 2], UPDATE, False),
        ([2, 17, 2], INSERT, False),
    ],
)
def test_an_old_one_may_drop_rows_behind_a_conflict(version, text, early) -> None:
    """With DO NOTHING alone, and what is no version is no TimescaleDB."""
    insert = insert_of(text)
    assert insert is not None
    assert ends_early({"timescale": version}, insert) is early
