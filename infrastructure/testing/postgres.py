"""Who is connected to a PostgreSQL, for tests that ask it or end them; needs the extra ``postgres``."""

from __future__ import annotations

from ..interfaces.exceptions import ConfigurationError

try:
    from ..storage.postgres.counters import PostgresCounters, PostgresReading
except ModuleNotFoundError as _exc:
    if not (_exc.name or "").startswith("psycopg"):
        raise

    raise ConfigurationError(
        "infrastructure.testing.postgres needs psycopg:"
        " pip install 'infrastructure-interfaces[postgres]'"
    ) from _exc

__all__ = ["PostgresCounters", "PostgresReading"]
