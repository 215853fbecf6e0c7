"""What a messaging may declare beyond the core, or lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["FAULT_FEATURES", "FEATURES"]

FEATURES: Final[Mapping[str, str]] = {
    "batches": "subscribe_batch hands over lists",
    "bounded_log": "the broker lives in this process, and publish waits for room in it",
    "cancellation": "a cancelled body or disconnect ends at once and acknowledges nothing",
    "codecs": 'codec="json" and codec="raw"',
    "lifecycle": "connect and disconnect by many tasks at a time",
    "dead_letters": "messages out of attempts are stored in <topic>.dlq",
    "deadlines": "the deadline block ends every call",
    "drain": "disconnect waits for running handlers",
    "durable": "a new group begins with the earliest message of a topic",
    "isolation": "handlers run in an empty context",
    "limits": "names, sizes and options are checked",
    "order": "keys are handled beside each other, each in order",
    "loop_owner": "an instance refuses to work in another event loop",
    "rebalance": "instances of a group take over from each other",
    "reconnect": "subscriptions and positions outlive a connection",
    "retain": "a new group begins at its subscription, or with retain= messages",
    "retries": "failed calls are repeated with back-off, outages without counting",
    "windows": "what is held unfinished is bounded by window=",
}
"""Each feature in a sentence."""

FAULT_FEATURES: Final[Mapping[str, str]] = {
    "outlives_kills": "what was acknowledged outlives a kill of the server; needs server_faults",
    "server_faults": "the harness can pause, kill and restart the server",
}
"""Those that only fault checks ask for; told of when they are tried."""
