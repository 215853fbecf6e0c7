"""The kit for whoever writes a backend: what ours are made of, under one roof.

A backend of level ``core`` needs none of it: the abstract methods of an interface are enough.
"""

from __future__ import annotations

from ._core.clock import SYSTEM_CLOCK, Clock
from ._core.codec import Codec, JsonCodec, MsgpackCodec, RawCodec
from ._core.deadline import Limit
from ._core.errors import translated
from ._core.glob import compile_pattern
from ._core.lifecycle import Lifecycle
from ._core.names import (
    check_identifier,
    check_key,
    check_subscribable,
    check_topic,
    check_ttl,
    quote_identifier,
)
from ._core.secrets import Secret, scrub
from ._core.tasks import Tasks
from ._core.urls import Url, parse_url, refuse_unknown

__all__ = [
    "SYSTEM_CLOCK",
    "Clock",
    "Codec",
    "JsonCodec",
    "Lifecycle",
    "Limit",
    "MsgpackCodec",
    "RawCodec",
    "Secret",
    "Tasks",
    "Url",
    "check_identifier",
    "check_key",
    "check_subscribable",
    "check_topic",
    "check_ttl",
    "compile_pattern",
    "parse_url",
    "quote_identifier",
    "refuse_unknown",
    "scrub",
    "translated",
]
