"""The SQL layer that the storages share, and SQLite's own parts."""
