"""The parameters of a statement on their way to the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....interfaces.exceptions import OperationError, ValidationError
from ._encoders import ENCODERS
from ._numbers import numeric_text
from ._oids import OIDS
from ._refusals import TextInput
from ._scalars import Encode
from ._texts import as_text, text_encoder

__all__ = ["Parameters"]

Encoded = tuple[list["bytes | None"], list[int]]
"""The values, and the format of each: 1 is binary, 0 is text."""


_NUMERIC = OIDS["NUMERIC"]
_BINARY = {oid: encode for oid, encode in ENCODERS.items() if oid != _NUMERIC}


def _text_encoder(oid: int) -> Encode:
    return numeric_text if oid == _NUMERIC else text_encoder(oid)


class Parameters:
    """How the values of a statement go to parameters of these types.

    ``oids``     the types as the server described them.
    ``formats``  what ``encode`` gives where no value needs the text format.
    """

    __slots__ = ("_encoders", "_only", "formats", "oids")

    def __init__(self, oids: Sequence[int]) -> None:
        self.oids: tuple[int, ...] = tuple(oids)
        self.formats: list[int] = [int(oid in _BINARY) for oid in self.oids]
        self._encoders = [_BINARY.get(oid) or _text_encoder(oid) for oid in self.oids]
        # A key, most often: its way is the shortest.
        self._only = self._encoders[0] if len(self.oids) == 1 else None

    def encode(self, params: Sequence[Any]) -> Encoded:
        """Return ``params``, as many as there are types, as the server takes them.

        A value that does not fit raises ``ValidationError``.
        """
        try:
            if self._only is not None:
                return [self._only(params[0])], self.formats

            return [encode(value) for encode, value in zip(self._encoders, params)], self.formats  # noqa: B905 - counted before
        except (TextInput, OperationError, ValidationError):
            return self._encode_each(params)

    def _encode_each(self, params: Sequence[Any]) -> Encoded:
        values: list[bytes | None] = []
        formats = list(self.formats)

        for position, value in enumerate(params):
            try:
                encoded, formats[position] = self._encode_one(position, value)
            except ValidationError as exc:
                msg = f"${position + 1}: {exc}"
                raise ValidationError(msg) from exc

            values.append(encoded)

        return values, formats

    def _encode_one(self, position: int, value: Any) -> tuple[bytes | None, int]:
        try:
            return self._encoders[position](value), self.formats[position]
        except (TextInput, OperationError):
            # The server reads it, or finds that it is out of range.
            return as_text(self.oids[position], value), 0
