"""The storage on PostgreSQL and TimescaleDB, by libpq on the event loop."""
