"""Exact decimals as text: compared as numbers, added without rounding."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation

__all__ = ["COLLATION", "EXACT", "as_decimal", "compare_decimals"]

COLLATION = "infrastructure_decimal"

# More digits than a numeric of PostgreSQL has, and room for a sum of 10**40 of them.
EXACT = Context(prec=147_500, Emax=999_999, Emin=-999_999)


def as_decimal(text: str) -> Decimal | None:
    """Return the number that ``text`` is; ``None`` where it is none."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def compare_decimals(left: str, right: str) -> int:
    """Order texts as numbers: 1.0 and 1.00 are equal, NaN is the greatest, as in PostgreSQL.

    What is no number comes after all numbers, in the order of its text.
    """
    if left == right:
        return 0

    first, second = as_decimal(left), as_decimal(right)

    if first is None or second is None:
        return _compare_texts(left, right, first, second)

    if first.is_nan() or second.is_nan():
        return first.is_nan() - second.is_nan()

    return (first > second) - (first < second)


def _compare_texts(left: str, right: str, first: Decimal | None, second: Decimal | None) -> int:
    if first is None and second is None:
        return (left > right) - (left < right)

    return 1 if first is None else -1
