"""The types that every PostgreSQL server has under the same OID."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ARRAYS", "ELEMENT_OF", "NAMES", "OIDS", "type_name"]

_TYPES: Final[tuple[tuple[str, int, int], ...]] = (
    ("BOOLEAN", 16, 1000),
    ("BYTEA", 17, 1001),
    ('"char"', 18, 1002),
    ("name", 19, 1003),
    ("BIGINT", 20, 1016),
    ("SMALLINT", 21, 1005),
    ("INTEGER", 23, 1007),
    ("TEXT", 25, 1009),
    ("oid", 26, 1028),
    ("xid", 28, 1011),
    ("cid", 29, 1012),
    ("JSON", 114, 199),
    ("xml", 142, 143),
    ("cidr", 650, 651),
    ("REAL", 700, 1021),
    ("DOUBLE PRECISION", 701, 1022),
    ("macaddr8", 774, 775),
    ("money", 790, 791),
    ("macaddr", 829, 1040),
    ("inet", 869, 1041),
    ("CHAR", 1042, 1014),
    ("VARCHAR", 1043, 1015),
    ("DATE", 1082, 1182),
    ("time", 1083, 1183),
    ("TIMESTAMP", 1114, 1115),
    ("TIMESTAMPTZ", 1184, 1185),
    ("INTERVAL", 1186, 1187),
    ("timetz", 1266, 1270),
    ("bit", 1560, 1561),
    ("varbit", 1562, 1563),
    ("NUMERIC", 1700, 1231),
    ("regclass", 2205, 2210),
    ("void", 2278, 0),
    ("UUID", 2950, 2951),
    ("tsvector", 3614, 3643),
    ("tsquery", 3615, 3645),
    ("JSONB", 3802, 3807),
    ("xid8", 5069, 271),
)
"""Each as an error shows it, its OID, and that of its array; the portable ones in upper case."""

OIDS: Final[Mapping[str, int]] = {name: oid for name, oid, _ in _TYPES}
ARRAYS: Final[Mapping[str, int]] = {name: array for name, _, array in _TYPES if array}
ELEMENT_OF: Final[Mapping[int, int]] = {array: oid for _, oid, array in _TYPES if array}
NAMES: Final[Mapping[int, str]] = {
    **{oid: name for name, oid, _ in _TYPES},
    **{array: f"{name}[]" for name, _, array in _TYPES if array},
}


def type_name(oid: int) -> str:
    """Return the name of a type for the text of an error."""
    return NAMES.get(oid, f"a type of the database (OID {oid})")
