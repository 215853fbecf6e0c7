"""The names of the statements that one connection has prepared, the oldest forgotten first."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any

__all__ = ["Names"]


class Names:
    """At most ``most`` names; none at all with 0."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._names: OrderedDict[Any, bytes] = OrderedDict()
        # Seen once: a statement that comes a second time is worth a name.
        self._seen: OrderedDict[Any, None] = OrderedDict()
        self._numbers = itertools.count(1)
        self.stale: list[bytes] = []
        """Names to be closed on the server, when something is prepared the next time."""

    def get(self, plan: Any) -> bytes | None:
        """Return the name under which ``plan`` is prepared here."""
        name = self._names.get(plan)

        if name is not None:
            self._names.move_to_end(plan)

        return name

    def is_due(self, plan: Any) -> bool:
        """Return whether ``plan`` is worth a name now: it was asked for before."""
        if not self._most:
            return False

        if plan in self._seen:
            return True

        self._seen[plan] = None

        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

        return False

    def make(self, plan: Any) -> bytes:
        """Return a name for ``plan``, which is prepared under it from now on."""
        if len(self._names) >= self._most:
            self.stale.append(self._names.popitem(last=False)[1])

        name = self._names[plan] = b"i%d" % next(self._numbers)
        return name

    def forget(self, plan: Any, *, prepared: bool = True) -> None:
        """Forget the name of ``plan``; ``prepared``: the server has it still."""
        name = self._names.pop(plan, None)

        if prepared and name is not None:
            self.stale.append(name)

    def forget_all(self) -> None:
        """Forget all names; the server may have some of them still."""
        self.stale += self._names.values()
        self._names.clear()
