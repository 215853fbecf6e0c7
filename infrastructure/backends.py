"""The kit for whoever writes a backend: what ours are made of, under one roof.

A backend of level ``core`` needs none of it: the abstract methods of an interface are enough.
"""

from __future__ import annotations

from ._core.clock import SYSTEM_CLOCK, Clock
from ._core.codec import Codec, JsonCodec, MsgpackCodec, RawCodec
from ._core.deadline import Limit
from ._core.errors import ErrorMap, translated
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
from ._core.tasks import Tasks, start_task
from ._core.urls import Url, parse_url, refuse_unknown
from .messaging._delivery import DeliveryEngine
from .messaging._handling import handling
from .messaging._log import Log
from .messaging._messaging import EngineMessaging
from .messaging._options import DeliveryKeywords, DeliveryOptions, delivery_options
from .messaging._payloads import Packer
from .messaging._record import Partition, Record
from .storage._blocking import BlockingStorage
from .storage._levels import Session
from .storage._parameters import check_parameters
from .storage._refusals import refuse
from .storage._render import render_table
from .storage._result_names import refuse_returned_twins, result_names
from .storage._schema import ColumnSpec, TableName, TableSchema, parse_schema, parse_table_name
from .storage._session_storage import SessionStorage
from .storage._statement import Statement, StatementKind, parse_statement
from .storage._threads import BlockingConnection, ThreadSession, ThreadSessions
from .storage._transaction import Transactions

__all__ = [
    "SYSTEM_CLOCK",
    "BlockingConnection",
    "BlockingStorage",
    "Clock",
    "Codec",
    "ColumnSpec",
    "DeliveryEngine",
    "DeliveryKeywords",
    "DeliveryOptions",
    "EngineMessaging",
    "ErrorMap",
    "JsonCodec",
    "Lifecycle",
    "Limit",
    "Log",
    "MsgpackCodec",
    "Packer",
    "Partition",
    "RawCodec",
    "Record",
    "Secret",
    "Session",
    "SessionStorage",
    "Statement",
    "StatementKind",
    "TableName",
    "TableSchema",
    "Tasks",
    "ThreadSession",
    "ThreadSessions",
    "Transactions",
    "Url",
    "check_identifier",
    "check_key",
    "check_parameters",
    "check_subscribable",
    "check_topic",
    "check_ttl",
    "compile_pattern",
    "delivery_options",
    "handling",
    "parse_schema",
    "parse_statement",
    "parse_table_name",
    "parse_url",
    "quote_identifier",
    "refuse",
    "refuse_returned_twins",
    "refuse_unknown",
    "render_table",
    "result_names",
    "scrub",
    "start_task",
    "translated",
]
