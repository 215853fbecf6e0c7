"""What a cache may declare beyond the core, or lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["FAULT_FEATURES", "FEATURES"]

FEATURES: Final[Mapping[str, str]] = {
    "batch": "get_many, set_many and delete_many as the inherited ones do",
    "strict_batch": "a batch is validated as a whole before its first key is touched",
    "get_or_set": "one factory call in this process, as the inherited one does",
    "flights": "get_or_set validates first, a delete meanwhile wins, answers are copies, time ends it",
    "shared_handles": "instances of one store share their data and their factory calls",
    "lifecycle": "concurrent connects and disconnects",
    "loop_owner": "use from another event loop is refused; one that is closed holds nothing",
    "deadlines": "deadline(...) blocks and the option deadline=",
    "cancellation": "no cancellation is lost at any suspension",
    "secrets": "repr and errors show no value",
}
"""Each feature in a sentence."""

FAULT_FEATURES: Final[Mapping[str, str]] = {
    "server_faults": "the harness can pause, kill and restart the server",
    "durable": "what was acknowledged outlives a kill of the server; needs server_faults",
    "steady_connections": "a call that timed out costs no connection",
}
"""Those that only fault checks ask for; told of when they are tried."""
