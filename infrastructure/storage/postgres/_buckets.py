"""``time_bucket`` on plain PostgreSQL: made at its first need, in a schema of ours."""

from __future__ import annotations

from zlib import crc32

from ...interfaces.exceptions import ConfigurationError, InfrastructureError
from ._ask import Ask, Atomic
from ._bucket_functions import SCHEMA, STATEMENTS
from ._timescale import find_extension

__all__ = ["ensure_time_bucket"]

_MARK = f"time_bucket of infrastructure, {crc32(chr(10).join(STATEMENTS).encode()):08x}"
"""The comment of the schema, by which the functions in it are known as these."""

_STATE = """
SELECT pg_catalog.obj_description(
  pg_catalog.to_regnamespace($1::text)::oid, 'pg_namespace'
) AS mark"""
_WHO = "SELECT current_user::text AS who, current_database()::text AS database"
# One at a time: two that replace one function disturb each other.
_TURN = "SELECT pg_catalog.pg_advisory_xact_lock($1::bigint) IS NULL AS mine"


async def ensure_time_bucket(atomic: Atomic) -> None:
    """Make the functions where they are missing or not these; idempotent.

    Where TimescaleDB is enabled it has its own, and nothing is made.
    """
    async with atomic("time_bucket") as ask:
        if await _is_there(ask) or await find_extension(ask) is not None:
            return

    try:
        async with atomic("time_bucket") as ask:
            await ask(_TURN, [crc32(SCHEMA.encode())])

            if not await _is_there(ask):
                await _make(ask)
    except InfrastructureError as exc:
        if exc.sqlstate != "42501":
            raise

        async with atomic("time_bucket") as ask:
            raise await _forbidden(ask, exc) from exc


async def _is_there(ask: Ask) -> bool:
    return bool((await ask(_STATE, [SCHEMA]))[0]["mark"] == _MARK)


async def _make(ask: Ask) -> None:
    # Asked first: IF NOT EXISTS wants the privilege even where the schema is there.
    if not (await ask("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1::text", [SCHEMA])):
        await ask(f"CREATE SCHEMA {SCHEMA}", [])

    for statement in STATEMENTS:
        await ask(statement, [])

    await ask(f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC", [])
    await ask(f"COMMENT ON SCHEMA {SCHEMA} IS '{_MARK}'", [])


async def _forbidden(ask: Ask, exc: InfrastructureError) -> ConfigurationError:
    row = (await ask(_WHO, []))[0]
    role = '"' + row["who"].replace('"', '""') + '"'
    msg = (
        f"time_bucket: the role {row['who']!r} may not make it in the database {row['database']!r}: "
        f"{exc.message}. An administrator runs there: CREATE SCHEMA {SCHEMA} AUTHORIZATION {role}; "
        "or, where that schema is there, uses time_bucket once as its owner; or runs CREATE EXTENSION "
        "timescaledb"
    )
    return ConfigurationError(msg, sqlstate="42501", operation="time_bucket")
