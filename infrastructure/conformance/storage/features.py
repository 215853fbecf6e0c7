"""What a storage may declare beyond the core, or lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["FAULT_FEATURES", "FEATURES"]

FEATURES: Final[Mapping[str, str]] = {
    "savepoints": "a second begin is a savepoint, flat and as a block",
    "transactional_ddl": "a rollback undoes a created table",
    "blocks": "async with storage.transaction():, the inherited form will do",
    "isolation": "instances reach the same data; nobody sees what is not committed",
    "joined_tasks": "tasks started in a transaction join it; who may end it",
    "detached": "async with storage.detached():",
    "one_writer": "a transaction has the one connection that writes (SQLite)",
    "deferred_constraints": "a foreign key may be looked at when the transaction is committed",
    "statement_control": "transaction control, LISTEN and COPY are refused with the method's name",
    "session_commands": "what changes the session runs inside a transaction only",
    "typed_values": "values of columns are type-exact, checked for type, range and length",
    "typed_parameters": "parameters are checked outside written columns, too",
    "typed_expressions": "values of expressions are type-exact without a cast",
    "text_input": "a str is read as the text of any type",
    "float_nan": "a float nan is kept, and the sign of zero",
    "arrays": "lists are arrays: = ANY($1), TEXT[]",
    "table_schemas": "Python types, Column, and the comparison with a table that is there",
    "schemas": "schema.table",
    "hypertables": "create_hypertable, with its checks",
    "time_bucket": "the SQL function",
    "stream": "rows as they come",
    "lifecycle": "concurrent connects and disconnects",
    "loop_owner": "use from another event loop is refused",
    "deadlines": "deadline(...) blocks and the option deadline=",
    "cancellation": "no cancellation is lost at any suspension, none leaves a lock",
    "driver_errors": "the driver's error is the cause of ours",
    "secrets": "repr and errors show no parameter",
}
"""Each feature in a sentence."""

FAULT_FEATURES: Final[Mapping[str, str]] = {
    "server_faults": "the harness can pause, kill and restart the server",
    "durable": "what was acknowledged outlives a kill of the server; needs server_faults",
}
"""Those that only fault checks ask for; told of when they are tried."""
