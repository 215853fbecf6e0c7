"""The caches: in memory and on Redis."""
