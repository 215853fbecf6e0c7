"""Faults of Redis: real servers, broken on purpose, and what the cache makes of it."""
