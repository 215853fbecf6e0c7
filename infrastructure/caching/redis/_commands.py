"""The commands of a cache's operations."""

from __future__ import annotations

from ._request import Request
from ._slots import lock_name

__all__ = ["LARGE", "Commands"]

LARGE = 64 * 1024
"""Bytes from which on a value has a link of its own, where it holds up nobody."""


class Commands:
    """Makes the requests of a cache with this prefix.

    What removes a key, or lets it expire, takes away the lease on it as well: a value that
    ``get_or_set`` of any process is making then goes to its waiters, not to the cache. A value
    set for good is seen to be there when the other is about to be stored.
    """

    def __init__(self, prefix: str, *, clustered: bool) -> None:
        self.prefix = prefix
        self._clustered = clustered

    def get(self, operation: str, name: str) -> Request:
        """Return the reading of a full name."""
        return Request(operation, ("GET", name), name, reads=True, answer=bytes)

    def set(self, operation: str, key: str, data: bytes, ttl: int | None) -> Request:
        """Return the storing of a value; for 0 seconds it is the removal."""
        if ttl == 0:
            return self.delete(operation, key)

        name, large = self.prefix + key, len(data) >= LARGE

        if ttl is None:
            return Request(
                operation, ("SET", name, data), name, reads=False, large=large, answer=bytes
            )

        return Request(
            operation,
            ("SET", name, data, "EX", ttl),
            name,
            reads=False,
            lead=self._unlock(key),
            large=large,
            answer=bytes,
        )

    def delete(self, operation: str, key: str) -> Request:
        """Return the removal of a key."""
        name = self.prefix + key
        lead = self._unlock(key)
        return Request(operation, ("UNLINK", name), name, reads=False, lead=lead, answer=int)

    def exists(self, name: str) -> Request:
        """Return the question whether there is a key of this full name."""
        return Request("exists", ("EXISTS", name), name, reads=True, answer=int)

    def left(self, operation: str, name: str) -> Request:
        """Return the question for how many milliseconds a key of this full name has left."""
        return Request(operation, ("PTTL", name), name, reads=True, answer=int)

    def lock(self, key: str) -> bytes:
        """Return the name of the lease on a key."""
        return lock_name(self.prefix, key, clustered=self._clustered)

    def _unlock(self, key: str) -> tuple[str, bytes]:
        return ("UNLINK", self.lock(key))
