"""Whether a statement changes what the names in the statements after it mean."""

from __future__ import annotations

import re

from .._statement import Statement, StatementKind

__all__ = ["changes_names", "changes_schema"]

_KEEPS = frozenset(
    {
        "ANALYSE",
        "ANALYZE",
        "CLUSTER",
        "COMMENT",
        "GRANT",
        "REASSIGN",
        "REFRESH",
        "REINDEX",
        "REVOKE",
        "SECURITY",
        "TRUNCATE",
    }
)
"""First words of what changes the schema, but no name and no type in it."""
_SETTINGS = re.compile(r"\b(?:search_path|role|schema|authorization|all)\b", re.IGNORECASE)
"""What says where a name is looked for, and for whom."""
_LITERAL = re.compile(r"\bset_config\s*\(\s*'", re.IGNORECASE)


def changes_schema(statement: Statement) -> bool:
    """Return whether tables may be others, or have other columns, for everybody."""
    first = statement.keywords[:1]
    ddl = statement.kind is StatementKind.DDL and _KEEPS.isdisjoint(first)
    return ddl or first == ("DO",)


def changes_names(statement: Statement) -> bool:
    """Return whether the same text may mean something else in the rest of the transaction."""
    return _changes_session(statement) or changes_schema(statement)


def _changes_session(statement: Statement) -> bool:
    text = statement.text

    if statement.kind is not StatementKind.SESSION:
        sets = "set_config" in statement.functions
        return sets and bool(_SETTINGS.search(text) or not _LITERAL.search(text))

    if statement.keywords[:1] in (("SET",), ("RESET",)):
        return bool(_SETTINGS.search(text))

    # A temporary table hides another one, and what was prepared may be forgotten.
    return True
