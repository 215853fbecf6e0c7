"""The storages: one folder a backend, and the SQL layer that they share."""
