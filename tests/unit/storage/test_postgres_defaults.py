"""The defaults of PostgreSQL's columns: which texts of the catalogue are literals, and ours as SQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infrastructure.storage._literals import NOW, RANDOM_UUID, Default
from infrastructure.storage._types import ColumnType, parse_type
from infrastructure.storage.postgres._defaults import is_literal, means_function, render_literal


@pytest.mark.parametrize(
    "text",
    [
        "'x''y'::text",
        "1.5000::numeric(12,4)",
        "'-5'::integer",
        "(-5)",
        "true",
        "NULL::character varying",
        "'2024-01-01 00:00:00+00'::timestamp(3) with time zone",
        "'{}'::text[]",
        "ARRAY[1, '2'::integer]::integer[]",
        "ARRAY[]",
        "((E'\\\\x61'::bytea))",
        """'happy'::app."Mood"[]""",
    ],
)
def test_a_literal_is_known(text: str) -> None:
    """Casts of it, signs, parentheses and arrays are no more than it."""
    assert is_literal(text)


@pytest.mark.parametrize(
    "text",
    [
        "now()",
        "nextval('t_id_seq'::regclass)",
        "('a'::text || 'b'::text)",
        "CURRENT_DATE",
        "lower('X'::text)",
        "'x'::text; SELECT 1",
        "'a'::text, 'b'::text",
        "(1 + 2)",
        "(5)(6)",
        "ARRAY[now()]",
        "",
    ],
)
def test_what_calls_something_is_no_literal(text: str) -> None:
    """So it is compared as text, never run."""
    assert not is_literal(text)


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        ("it's", "TEXT", "'it''s'"),
        ("back\\slash'", "TEXT", "E'back\\\\slash'''"),
        (b"a'\0", "BYTEA", "E'\\\\x612700'"),
        (timedelta(hours=-1), "INTERVAL", "'-1 days 82800.000000 seconds'"),
        ({"a": "\n"}, "JSONB", """E'{"a": "\\\\n"}'"""),
    ],
)
def test_a_literal_reads_the_same_under_every_setting(value: Any, kind: str, wanted: str) -> None:
    """A backslash stands in an escape string only, where it is always doubled."""
    assert render_literal(value, parse_type(kind)) == wanted


def test_a_function_has_several_spellings() -> None:
    """Each for the types to which it gives the same."""
    now, uuid = Default(function=NOW), Default(function=RANDOM_UUID)
    assert means_function("CURRENT_TIMESTAMP", now, ColumnType("TIMESTAMPTZ"))
    assert means_function("CURRENT_DATE", now, ColumnType("DATE"))
    assert not means_function("CURRENT_DATE", now, ColumnType("TIMESTAMPTZ"))
    assert not means_function("clock_timestamp()", now, ColumnType("TIMESTAMPTZ"))
    assert means_function("gen_random_uuid()", uuid, ColumnType("UUID"))
    assert not means_function("now()", Default("now()"), ColumnType("TEXT"))
