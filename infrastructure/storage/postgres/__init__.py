"""Storage on PostgreSQL and TimescaleDB, over libpq."""
