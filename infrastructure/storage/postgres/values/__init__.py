"""Python values to PostgreSQL's parameters, and its results to Python values."""

from __future__ import annotations

from ._declared import declared, python_types
from ._encoders import encoder_of
from ._parameters import Parameters
from ._refusals import TextInput
from ._rows import Rows

__all__ = [
    "Parameters",
    "Rows",
    "TextInput",
    "declared",
    "encoder_of",
    "python_types",
]
