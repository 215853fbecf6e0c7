"""What the server knows of TimescaleDB, and by which column a table is partitioned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..._core.names import quote_identifier
from ...interfaces.exceptions import ConfigurationError
from ._ask import Ask
from ._catalogue import Relation

__all__ = [
    "TIME_INDEX",
    "Extension",
    "Mode",
    "find_extension",
    "indexed_by",
    "not_enabled",
    "partitioned_by",
    "time_column_of",
]

Mode = Literal["require", "index"]
"""What stands in for TimescaleDB where it is missing: nothing, or an index and a time_bucket."""

TIME_INDEX = "infrastructure_time_"
"""How the index is called that plain PostgreSQL has of a hypertable, before a word by chance."""

_EXTENSION = """
SELECT e.extversion::text AS version, n.nspname::text AS schema
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'timescaledb'"""

_AVAILABLE = """
SELECT current_database()::text AS database, EXISTS (
  SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'timescaledb'
) AS installed"""

_DIMENSION = """
SELECT column_name::text AS name FROM timescaledb_information.dimensions
WHERE hypertable_schema = $1::text AND hypertable_name = $2::text AND dimension_number = 1"""

_INDEX = """
SELECT a.attname::text AS name
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = $1::bigint AND i.indisvalid
  AND pg_catalog.starts_with(c.relname::text, $2::text)"""


@dataclass(frozen=True, slots=True)
class Extension:
    """TimescaleDB as it is installed in this database."""

    version: str
    schema: str

    @property
    def release(self) -> tuple[int, int]:
        """The first two numbers of the version."""
        major, minor, *_ = (*self.version.split("."), "0")
        return int(major), int(minor)

    def function(self, name: str) -> str:
        """Return one of its functions as it stands in SQL, whatever the search path is."""
        return f"{quote_identifier(self.schema)}.{name}"


async def find_extension(ask: Ask) -> Extension | None:
    """Return TimescaleDB; ``None`` where it is not installed in this database."""
    return next(
        (Extension(row["version"], row["schema"]) for row in await ask(_EXTENSION, [])), None
    )


async def not_enabled(ask: Ask, operation: str, *, index: bool = False) -> ConfigurationError:
    """Return the error of an operation that needs TimescaleDB, with the way to enable it."""
    row = (await ask(_AVAILABLE, []))[0]
    installed = (
        ""
        if row["installed"]
        else (
            "install TimescaleDB on the server, add it to shared_preload_libraries, restart, then "
        )
    )
    otherwise = (
        '; or open the storage with hypertables="index", where an index on the time will do'
        if index
        else ""
    )
    msg = (
        f"{operation}: TimescaleDB is not enabled in the database {row['database']!r}: {installed}run "
        f"CREATE EXTENSION timescaledb there as an administrator{otherwise}"
    )
    return ConfigurationError(msg, operation=operation.partition(" ")[0])


async def time_column_of(ask: Ask, relation: Relation) -> str | None:
    """Return the time column of a hypertable; ``None`` where the table is an ordinary one."""
    here = await find_extension(ask) is not None
    found = await partitioned_by(ask, relation) if here else None
    return found or await indexed_by(ask, relation)


async def partitioned_by(ask: Ask, relation: Relation) -> str | None:
    """Return the time column of a hypertable of TimescaleDB, which has to be here."""
    rows = await ask(_DIMENSION, [relation.name.schema, relation.name.name])
    return str(rows[0]["name"]) if rows else None


async def indexed_by(ask: Ask, relation: Relation) -> str | None:
    """Return the column of the time index that plain PostgreSQL has of a hypertable."""
    rows = await ask(_INDEX, [relation.oid, TIME_INDEX])
    return str(rows[0]["name"]) if rows else None
