"""What the server knows of TimescaleDB, and by which column a table is partitioned."""

from __future__ import annotations

from dataclasses import dataclass

from ..._core.names import quote_identifier
from ._ask import Ask
from ._catalogue import Relation

__all__ = ["INDEX_COMMENT", "Extension", "find_extension", "time_column_of"]

INDEX_COMMENT = "infrastructure: the time index of create_hypertable"
"""By it an index is known as what plain PostgreSQL has of a hypertable."""

_EXTENSION = """
SELECT e.extversion::text AS version, n.nspname::text AS schema
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'timescaledb'"""

_DIMENSION = """
SELECT column_name::text AS name FROM timescaledb_information.dimensions
WHERE hypertable_schema = $1::text AND hypertable_name = $2::text AND dimension_number = 1"""

_INDEX = """
SELECT a.attname::text AS name
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = $1::bigint AND i.indisvalid
  AND pg_catalog.obj_description(i.indexrelid, 'pg_class') = $2::text"""


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


async def time_column_of(ask: Ask, relation: Relation) -> str | None:
    """Return the time column of a hypertable; ``None`` where the table is an ordinary one."""
    if await find_extension(ask) is not None:
        rows = await ask(_DIMENSION, [relation.name.schema, relation.name.name])

        if rows:
            return str(rows[0]["name"])

    rows = await ask(_INDEX, [relation.oid, INDEX_COMMENT])
    return str(rows[0]["name"]) if rows else None
