"""Which encoder belongs to which type of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import _scalars, _times
from ._arrays import Frame, array, fixed_frames, text_frames
from ._numbers import floating, integer, numeric
from ._oids import ELEMENT_OF, NAMES, OIDS
from ._scalars import Encode

__all__ = ["ENCODERS", "encoder_of"]

_BY_NAME: Mapping[str, Encode] = {
    "BOOLEAN": _scalars.boolean,
    "SMALLINT": integer("SMALLINT", "h"),
    "INTEGER": integer("INTEGER", "i"),
    "BIGINT": integer("BIGINT", "q"),
    "oid": integer("oid", "I"),
    "xid": integer("xid", "I"),
    "cid": integer("cid", "I"),
    "xid8": integer("xid8", "Q"),
    "REAL": floating("REAL", "f"),
    "DOUBLE PRECISION": floating("DOUBLE PRECISION", "d"),
    "NUMERIC": numeric,
    "TEXT": _scalars.text("TEXT"),
    "VARCHAR": _scalars.text("VARCHAR"),
    "CHAR": _scalars.text("CHAR"),
    "BYTEA": _scalars.raw,
    "UUID": _scalars.uuid,
    "DATE": _times.day,
    "TIMESTAMP": _times.timestamp,
    "TIMESTAMPTZ": _times.timestamptz,
    "INTERVAL": _times.interval,
    "JSON": _scalars.json,
    "JSONB": _scalars.jsonb,
}
_BY_OID = {OIDS[name]: encode for name, encode in _BY_NAME.items()}
_FRAMES: Mapping[str, Frame] = {
    "SMALLINT": fixed_frames(int, "h"),
    "INTEGER": fixed_frames(int, "i"),
    "BIGINT": fixed_frames(int, "q"),
    "DOUBLE PRECISION": fixed_frames(float, "d"),
    "TEXT": (str, text_frames),
    "VARCHAR": (str, text_frames),
}
_JSON = frozenset({OIDS["JSON"], OIDS["JSONB"]})

ENCODERS: Final[Mapping[int, Encode]] = {
    **_BY_OID,
    **{
        oid: array(
            NAMES[oid],
            element,
            _BY_OID[element],
            _FRAMES.get(NAMES[element]),
            nested=element not in _JSON,
        )
        for oid, element in ELEMENT_OF.items()
        if element in _BY_OID
    },
}
"""By the OID of the type; what is not here goes as text."""


def encoder_of(oid: int) -> Encode | None:
    """Return what makes the exact binary form of a value; ``None`` where there is text only.

    It returns ``None`` for ``None``, and raises ``ValidationError`` for a value that does not
    fit, ``OperationError`` (22003) for a number beyond the type's range, and ``TextInput`` for
    a ``str``, also one within a list, that only the server can read as a value of the type.
    """
    return ENCODERS.get(oid)
