"""The lines of the contract, each in a phrase: by their first letter and number the checks are named."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["LINES"]

LINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "G1": "the abstract methods alone make a complete backend; everything else has a default",
        "G2": "the interfaces need the standard library only",
        "G3": "connect and disconnect: idempotent, all or nothing, at any time",
        "G4": "a method that needs a connection says so by its name",
        "G5": "every call ends by its deadline",
        "G6": "the first call after the peer is back succeeds within a second",
        "G7": "a cancellation is never lost, and loses nothing",
        "G8": "a backend belongs to the process and the event loop that connected it",
        "G9": "what is repeated silently",
        "G10": "the library's tasks and the handlers inherit nothing",
        "G11": "arguments are checked before anything is sent; sizes are bounded",
        "G12": "no secret is shown",
        "G13": "nothing that is read is run",
        "E1": "errors: one tree, Python's own classes beside it, fields that tell the truth",
        "E2": "a driver's error becomes ours, with its cause",
        "E3": "an error says what was tried and what to do",
        "C1": "keys",
        "C2": "values keep their exact type and are the caller's own",
        "C3": "get: misses, a stored None, what cannot be decoded",
        "C4": "set and the time to live",
        "C5": "ttl: the seconds left, rounded up",
        "C6": "delete and exists: live keys only",
        "C7": "scan_keys: patterns over characters, every live key once",
        "C8": "batches",
        "C9": "get_or_set: one call of the factory",
        "M1": "publish returns when the message is safe",
        "M2": "payloads, headers and what a handler may know",
        "M3": "names of topics",
        "M4": "groups: at least once for each",
        "M5": "several handlers of one topic",
        "M6": "subscribe, before connect too",
        "M7": "unsubscribe, and calls from inside handlers",
        "M8": "subscribe_batch",
        "M9": "retries, outages and what is rejected at once",
        "M10": "dead letters and their replay",
        "M11": "order by key",
        "M12": "commits and bounded windows",
        "M13": "partitions that change hands",
        "M14": "disconnect drains",
        "S1": "is_connected never raises",
        "S2": "placeholders",
        "S3": "execute and its rows",
        "S4": "statements that execute refuses",
        "S5": "values of columns and parameters",
        "S6": "execute_many: all or nothing",
        "S7": "transactions without a handle",
        "S8": "who begins and who ends them",
        "S9": "child tasks, savepoints and detached scopes",
        "S10": "who would wait for itself",
        "S11": "a COMMIT whose answer was lost",
        "S12": "create_table",
        "S13": "create_hypertable",
        "S14": "time_bucket",
        "S15": "transaction, detached and stream",
    }
)
