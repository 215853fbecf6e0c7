"""``sum`` and ``avg`` that are exact over decimals and SQLite's own over everything else."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from ...interfaces.exceptions import OperationError
from ._decimals import EXACT, as_decimal

__all__ = ["Average", "Sum"]

_LEADING_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_ROUNDED = EXACT.copy()
_ROUNDED.rounding = ROUND_HALF_UP


class Sum:
    """Adds integers as integers, decimals (texts) as decimals, and floats as floats.

    A window function: rows come in by ``step`` and leave by ``inverse``.
    """

    _name: ClassVar[str] = "sum"

    def __init__(self) -> None:
        self._count = self._floats = self._decimals = self._specials = 0
        self._whole = 0
        self._float = 0.0
        self._decimal = Decimal(0)
        # NaN and infinities by their text: they cannot be taken out of a sum again.
        self._special: dict[str, int] = {}

    def step(self, value: Any) -> None:
        """Take a row in."""
        self._change(value, 1)

    def inverse(self, value: Any) -> None:
        """Take a row out."""
        self._change(value, -1)

    def value(self) -> Any:
        """Return the sum of the rows that are in; ``None`` when there is none."""
        if not self._count:
            return None

        if self._specials:
            return self._special_sum()

        # Where decimals meet floats there is nothing exact to keep.
        if self._floats:
            return self._float + self._whole + float(self._decimal)

        if self._decimals:
            return format(EXACT.add(self._decimal, Decimal(self._whole)), "f")

        if -(2**63) <= self._whole < 2**63:
            return self._whole

        msg = "integer overflow: the sum is beyond 64 bits"
        raise OperationError(msg, sqlstate="22003")

    def finalize(self) -> Any:
        """Return the sum."""
        return self.value()

    def _change(self, value: Any, sign: int) -> None:
        if value is None:
            return

        self._count += sign

        if type(value) is int:
            self._whole += sign * value
        elif isinstance(value, float):
            self._floats += sign
            # Nothing left: what the roundings left goes too.
            self._float = self._float + sign * value if self._floats else 0.0
        else:
            self._change_text(value, sign)

    def _change_text(self, value: Any, sign: int) -> None:
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        number = as_decimal(text)

        if number is None:
            self._count -= sign
            self._change(_leading_number(text), sign)
        elif not number.is_finite():
            self._specials += sign
            self._special[text] = self._special.get(text, 0) + sign
        else:
            self._decimals += sign
            self._decimal = EXACT.add(self._decimal, number if sign > 0 else number.copy_negate())

    def _special_sum(self) -> str:
        kinds = {str(Decimal(text)) for text, count in self._special.items() if count}
        return kinds.pop() if len(kinds) == 1 else "NaN"


class Average(Sum):
    """The mean: a decimal of decimals, else a float."""

    _name = "avg"

    def value(self) -> Any:
        """Return the mean of the rows that are in; ``None`` when there is none."""
        if not self._count:
            return None

        if self._specials:
            return self._special_sum()

        if self._decimals and not self._floats:
            total = EXACT.add(self._decimal, Decimal(self._whole))
            return format(_divide(total, self._count), "f")

        return (self._float + self._whole + float(self._decimal)) / self._count


def _leading_number(text: str) -> float:
    """Return what SQLite adds for a text that is no number."""
    match = _LEADING_NUMBER.match(text)
    return float(match[1]) if match else 0.0


def _divide(total: Decimal, count: int) -> Decimal:
    """Divide as PostgreSQL's numeric does: to 16 significant digits or more, half up."""
    divisor = Decimal(count)
    weight, first = _leading(total)
    other_weight, other_first = _leading(divisor)
    quotient_weight = weight - other_weight - (first <= other_first)
    exponent = total.as_tuple().exponent
    assert isinstance(exponent, int)
    scale = min(max(16 - quotient_weight * 4, -exponent, 0), 1000)
    # Two steps: the quotient has no end, and is cut beyond the digit that rounds it.
    context = EXACT.copy()
    context.prec = max(total.adjusted() + 1, 1) + scale + 10
    context.rounding = "ROUND_DOWN"
    quotient = context.divide(total, divisor)
    return quotient.quantize(Decimal(1).scaleb(-scale), context=_ROUNDED)


def _leading(value: Decimal) -> tuple[int, int]:
    """Return the weight and value of the first digit to the base of 10,000."""
    if not value:
        return 0, 0

    weight = value.adjusted() // 4
    return weight, int(abs(value).scaleb(-4 * weight, context=EXACT))
