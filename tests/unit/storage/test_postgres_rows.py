"""PostgreSQL's results as Python values: what is known in binary, what only by its text."""

from __future__ import annotations

import secrets
import struct
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import pq
from psycopg.adapt import Loader

from infrastructure.interfaces import OperationError
from infrastructure.storage.postgres.values import Rows
from infrastructure.storage.postgres.values._oids import OIDS
from infrastructure.storage.postgres.values._text_loaders import TEXT

from ...properties.postgres_values import Session
from ...servers.postgres_endpoint import PostgresEndpoint

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def session(postgres: PostgresEndpoint) -> Iterator[Session]:
    with postgres.database() as database:
        session = Session(database.url)
        session.run("CREATE TYPE mood AS ENUM ('sad', 'it''s fine')")
        session.run("CREATE TYPE pair AS (a int, b text)")
        session.run("CREATE DOMAIN positive AS int CHECK (value > 0)")
        session.run("CREATE TABLE moods (id int, mood mood, moods mood[], n positive)")
        yield session
        session.close()


@pytest.fixture
def own(session: Session) -> Iterator[Session]:
    """Give the session, whose settings are the usual ones again afterwards."""
    yield session
    session.run("RESET ALL")
    session.run("SET timezone = 'UTC'")


UNKNOWN = {
    "inet": "10.0.0.1",
    "cidr": "10.0.0.0/8",
    "macaddr": "08:00:2b:01:02:03",
    "int4range": "[1,3)",
    "money": "$1.50",
    "mood": "it's fine",
    "mood[]": '{sad,"it\'s fine"}',
    "pair": "(1,x)",
    "tsvector": "'a' 'b'",
    "box[]": "{(1,1),(0,0);(2,2),(1,1)}",
    "bit(3)": "101",
    "regtype": "integer",
    "pg_lsn": "0/10",
    "point": "(1,2)",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_type_that_python_has_no_value_for_is_its_text(session, name) -> None:
    """In and out."""
    assert session.one(f"SELECT $1::{name} AS v", UNKNOWN[name]) == UNKNOWN[name]


def test_its_neighbours_are_exact(session) -> None:
    """The whole result comes as text then."""
    columns: dict[str, Any] = {
        "'t'::boolean": True,
        "-5::smallint": -5,
        "0.1::real": struct.unpack("f", struct.pack("f", 0.1))[0],
        "'-0'::float8": -0.0,
        "1.10": Decimal("1.10"),
        "'سلام'::text": "سلام",
        "'ab'::char(3)": "ab ",
        r"'\x00ff'::bytea": b"\0\xff",
        "'2024-05-01'::date": date(2024, 5, 1),
        "'2024-05-01 12:00:00.5'::timestamp": datetime(2024, 5, 1, 12, 0, 0, 500_000),  # noqa: DTZ001
        "'2024-05-01 12:00Z'::timestamptz": NOON,
        "'-1 days +00:00:00.000001'::interval": timedelta(-1, 0, 1),
        "'1 mon 2 days'::interval": "1 mon 2 days",
        "'00000000-0000-0000-0000-000000000007'::uuid": UUID(int=7),
        "'{\"a\": [1, 1.5]}'::jsonb": {"a": [1, 1.5]},
        "'{1,NULL}'::int[]": [1, None],
        "'[0:1]={1,2}'::int[]": [1, 2],
        "'{\"2024-05-01 12:00Z\"}'::timestamptz[]": [NOON],
        "'{10.0.0.1}'::inet[]": ["10.0.0.1"],
        "5::oid": 5,
        "NULL::int": None,
    }
    names = [f"c{number}" for number in range(len(columns))]
    wanted = list(columns.values())
    selected = ", ".join(f"{sql} AS {name}" for sql, name in zip(columns, names, strict=True))

    # Without the address it comes in binary, but for the array of addresses.
    for extra in ("", ", '::1'::inet AS extra"):
        (row,) = session.run(f"SELECT {selected}{extra}")
        found = [row[name] for name in names]
        assert repr(found) == repr(wanted)
        assert list(map(type, found)) == list(map(type, wanted))


def test_a_domain_is_its_base_in_a_result(session) -> None:
    """As a parameter it is a type of the database: a str, or a cast."""
    rows = session.run("INSERT INTO moods (n) VALUES ($1), ($2::int) RETURNING n", ["5", 6])
    assert rows == [{"n": 5}, {"n": 6}]


def test_labels_of_an_enum_are_found(session) -> None:
    """One, and any of a list."""
    session.run("INSERT INTO moods (id, mood, moods) VALUES (1, $1, $2)", ["sad", ["sad", None]])
    rows = session.run("SELECT mood, moods FROM moods WHERE mood = ANY($1)", [["sad", "it's fine"]])
    assert rows == [{"mood": "sad", "moods": "{sad,NULL}"}]


def test_infinite_and_far_times_are_their_text(session) -> None:
    """Beside others that are not, and in arrays."""
    rows = session.run(
        "SELECT t::date AS d, t, t AT TIME ZONE 'UTC' AS n, ARRAY[t, now()] > '{}' AS b, ARRAY[t] AS a"
        " FROM unnest($1::timestamptz[]) AS t",
        [["infinity", "-infinity", "0044-03-15 BC", "12024-01-01", NOON]],
    )
    assert [row["d"] for row in rows] == [
        "infinity",
        "-infinity",
        "0044-03-15 BC",
        "12024-01-01",
        NOON.date(),
    ]
    assert [row["t"] for row in rows[2:]] == [
        "0044-03-15 00:00:00+00 BC",
        "12024-01-01 00:00:00+00",
        NOON,
    ]
    assert [row["n"] for row in rows[:3]] == ["infinity", "-infinity", "0044-03-15 00:00:00 BC"]
    assert [row["a"] for row in rows] == [[row["t"]] for row in rows]


def test_an_infinite_interval_is_its_text(session) -> None:
    """PostgreSQL has it since 17."""
    if session.one("SELECT current_setting('server_version_num')::int AS v") >= 170_000:
        rows = session.run("SELECT i FROM unnest($1::interval[]) AS i", [["infinity", "-infinity"]])
        assert rows == [{"i": "infinity"}, {"i": "-infinity"}]


@pytest.mark.parametrize("text", [False, True])
def test_json_that_python_does_not_read_is_its_text(session, text) -> None:
    """An int of 5,000 digits, lists in lists in lists."""
    large = f"[{'1' * 5000}]"
    assert session.one("SELECT $1::text::jsonb AS v", large, text=text) == large
    deep = "[" * 3000 + "]" * 3000
    assert session.one("SELECT $1::text::json AS v", deep, text=text) == deep


def test_what_a_session_sets_changes_no_binary_value(own) -> None:
    """Nor the instant of a text; a date in another style is what the server writes."""
    own.run("SET timezone = 'Asia/Tehran'")
    own.run("SET datestyle = 'German'")
    own.run("SET intervalstyle = 'iso_8601'")
    own.run("SET bytea_output = 'escape'")
    sql = r"SELECT $1::timestamptz AS t, $2::date AS d, $3::interval AS i, '\x00'::bytea AS b"
    values = [NOON, NOON.date(), timedelta(hours=1)]
    assert list(own.run(sql, values)[0].values()) == [*values, b"\0"]
    assert list(own.run(sql, values, text=True)[0].values())[1:] == ["01.05.2024", "PT1H", b"\0"]
    own.run("SET datestyle = 'ISO'")
    assert own.run(sql, values, text=True)[0]["t"] == NOON


def test_a_char_and_void_are_texts(session) -> None:
    """The one-byte type, as the server writes it."""
    for code, wanted in ((65, "A"), (0, ""), (-1, "\\377")):
        for text in (False, True):
            assert session.one('SELECT $1::int::"char" AS v', code, text=text) == wanted

    assert session.one("SELECT pg_sleep(0) AS v") == ""


@pytest.mark.parametrize(
    ("written", "wanted"), [(b"\xff", "\\377"), (b"\\377", "\\377"), (b"A", "A"), (b"", "")]
)
def test_a_char_beyond_ascii_is_a_bare_byte_of_an_older_server(written: bytes, wanted: str) -> None:
    """Of PostgreSQL 14, which is no UTF-8 then; it is shown as a newer one writes it."""
    found = TEXT.get_loader(OIDS['"char"'], pq.Format.TEXT)
    assert found is not None
    assert found(OIDS['"char"']).load(written) == wanted


def test_an_xid_is_an_int(session) -> None:
    """And goes back as one."""
    session.run("INSERT INTO moods (id) VALUES (7)")
    xid = session.one("SELECT xmin FROM moods WHERE id = 7")
    assert type(xid) is int
    assert session.run("SELECT id FROM moods WHERE xmin = $1", [xid]) == [{"id": 7}]


@pytest.mark.parametrize("width", range(1, 10))
def test_a_row_has_its_columns_in_order(session, width) -> None:
    """However many they are."""
    names = [f"c{number}" for number in range(width)]
    sql = "SELECT " + ", ".join(f"{number} AS {name}" for number, name in enumerate(names))
    (row,) = session.run(sql)
    assert list(row.items()) == list(zip(names, range(width), strict=True))
    assert type(row) is dict


@pytest.fixture
def hundred(postgres: PostgresEndpoint) -> Iterator[tuple[Rows, Any]]:
    """Give a result of a hundred rows, and what reads it."""
    with postgres.control() as control:
        sql = b"SELECT generate_series(0, 99) AS n, 'infinity'::date AS d"
        result = control.pgconn.exec_params(sql, [], result_format=pq.Format.BINARY)
        yield Rows(["n", "d"], [OIDS["INTEGER"], OIDS["DATE"]]), result


def test_a_result_is_read_in_slices(hundred) -> None:
    """With what the driver does not read, too."""
    rows, result = hundred
    parts = rows.decode(result, 0, 30) + rows.decode(result, 30, 99) + rows.decode(result, 99)
    assert parts == rows.decode(result) == [{"n": n, "d": "infinity"} for n in range(100)]


def test_a_result_is_not_kept(hundred) -> None:
    """It may be large."""
    rows, result = hundred
    before = sys.getrefcount(result)
    rows.decode(result)
    assert sys.getrefcount(result) == before


def test_a_result_of_another_statement_is_refused(hundred) -> None:
    """Of more columns than were described."""
    _, result = hundred

    with pytest.raises(OperationError, match="2 columns"):
        Rows(["n"], [OIDS["INTEGER"]]).decode(result)


def test_a_text_that_is_not_utf8_is_an_error(postgres) -> None:
    """A server that knows no encoding stores any bytes."""
    name = f"test_{secrets.token_hex(6)}"
    made = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'"

    with postgres.control() as control:
        control.execute(made)

        try:
            with closing(Session(postgres.address(name=name))) as session:
                assert session.one("SELECT 'سلام' AS v") == "سلام"

                with pytest.raises(OperationError, match="UnicodeDecodeError") as caught:
                    session.one(r"SELECT convert_from('\xff', 'SQL_ASCII') AS v")

                assert isinstance(caught.value.__cause__, UnicodeDecodeError)
        finally:
            control.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_what_an_application_registers_changes_nothing(session) -> None:
    """Its loaders are those of its own connections."""
    known = psycopg.adapters.get_loader(OIDS["NUMERIC"], pq.Format.BINARY)
    assert known is not None

    class Wrong(Loader):
        format = pq.Format.BINARY

        def load(self, _data: Any) -> str:
            return "wrong"

    psycopg.adapters.register_loader("numeric", Wrong)

    try:
        assert session.one("SELECT 1.10 AS v") == Decimal("1.10")
    finally:
        psycopg.adapters.register_loader("numeric", known)
