"""What a mistake is planted into: the small cache on a real server, and what it is made of."""

from __future__ import annotations

from functools import partial

from ...toy_server import ServerHarness
from .._mutant import Mutant

__all__ = ["ASKED", "CANCELLED", "server_cache", "server_part", "wire"]

server_cache = partial(
    Mutant,
    interface="caching",
    package="tests.conformance",
    module="toy_server_cache",
    harness=ServerHarness,
)
"""A mistake in the cache itself."""

wire = partial(server_cache, module="toy_wire")
"""A mistake in its connection."""

server_part = partial(server_cache, package="infrastructure")
"""A mistake in what every backend is made of."""

ASKED = "        reply = await wire.ask(*command)\n"
CANCELLED = (
    "        try:\n"
    "            reply = await wire.ask(*command)\n"
    "        except asyncio.CancelledError:\n"
    "            {}\n"
    "            raise\n"
)
"""What ``ASKED`` becomes where something is done when the caller is gone."""
