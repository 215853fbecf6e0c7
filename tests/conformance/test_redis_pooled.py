"""The cache on redis-py's pools keeps every promise, on one server and on a Cluster."""

from __future__ import annotations

from infrastructure.conformance.harnesses.redis import RedisHarness
from infrastructure.conformance.pytest import conformance

from ..servers import shared


class OneServer(RedisHarness):
    """On the Valkey of the run."""

    def __init__(self) -> None:
        super().__init__(f"{shared.valkey().url}?mode=pooled")


class Clustered(RedisHarness):
    """On the Cluster of the run."""

    def __init__(self) -> None:
        super().__init__(f"{shared.valkey_cluster().url}?mode=pooled")


test_one_server = conformance(OneServer)
test_cluster = conformance(Clustered)
