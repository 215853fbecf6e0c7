"""A batch in steps: the loop is not held however many keys there are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from ..interfaces.exceptions import InfrastructureError, Outcome, TimeoutError

__all__ = ["Steps"]

_AT_ONCE = 256


class Steps:
    """The keys of one batch, a few at a time; between them others run and time passes."""

    def __init__(
        self, operation: str, keys: Sequence[str], check: Callable[[str], None], expires: float
    ) -> None:
        self._operation = operation
        self._keys = keys
        self._check = check
        self._expires = expires
        self._done = 0

    def rewind(self) -> None:
        """Begin again at the first key."""
        self._done = 0

    async def next(self, outcome: Outcome = "unknown") -> Sequence[str]:
        """Return the next keys, none at the end; an error names those that are left.

        ``outcome`` is what the error says, once the first keys were given out.
        """
        start = self._done

        if start:
            await asyncio.sleep(0)
            self._look(start, outcome)

        self._done = start + _AT_ONCE
        return self._keys[start : self._done]

    def _look(self, start: int, outcome: Outcome) -> None:
        try:
            self._check(self._operation)

            if time.monotonic() >= self._expires:
                msg = f"{self._operation}: the deadline passed after {start} of {len(self._keys)} keys"
                raise TimeoutError(msg, operation=self._operation)
        except InfrastructureError as exc:
            exc.outcome = outcome
            exc.failed_keys = tuple(self._keys[start:])
            raise
