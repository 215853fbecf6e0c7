"""The harness of the toy cache on a real server that is stopped while it is in use."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from infrastructure.conformance import CachingHarness

from .own_server import OwnFaults
from .toy_server_cache import ServerCache

__all__ = ["ServerHarness"]


class ServerHarness(CachingHarness):
    """A prefix of its own for each check."""

    level = "core"
    features = (
        "cancellation",
        "deadlines",
        "durable",
        "lifecycle",
        "server_faults",
        "steady_connections",
    )
    kind: type[ServerCache] = ServerCache

    def __init__(self) -> None:
        self.faults = OwnFaults()
        self.prefix = uuid4().hex

    def make(self, **options: Any) -> ServerCache:
        assert self.faults is not None
        return self.kind(self.faults.proxy.port, self.prefix, **options)
