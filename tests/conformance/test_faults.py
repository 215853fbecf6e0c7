"""Right backends keep the contract while their network and their server break, each in its way."""

from __future__ import annotations

import pytest

from infrastructure.conformance.pytest import faults

from .postgres_on_own_server import OwnPlainHarness, OwnPostgresHarness
from .redis_on_own_server import OwnPooledHarness, OwnRedisHarness
from .toy_pool_cache import PoolHarness
from .toy_server import ServerHarness

pytestmark = pytest.mark.slow

test_one_wire_for_all_calls = faults(ServerHarness)
test_a_connection_for_each_call = faults(PoolHarness)
test_redis_cache = faults(OwnRedisHarness)
test_redis_cache_pooled = faults(OwnPooledHarness)
test_postgres_storage = faults(OwnPostgresHarness)
test_postgres_storage_without_pipelining = faults(OwnPlainHarness)
