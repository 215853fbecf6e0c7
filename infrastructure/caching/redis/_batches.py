"""The batch mixins: per-key commands that leave together, a few hundred at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ..._core.deadline import Limit, expiry
from ..._core.names import check_key
from ...interfaces.exceptions import InfrastructureError, TimeoutError
from .._steps import Steps
from ._calls import Calls
from ._commands import Commands
from ._mode import UNANSWERED
from ._request import Request

__all__ = ["Batches"]

Make = Callable[[str], Request]
Take = Callable[[str, Any], None]


class Batches:
    """Runs a request for each key of a batch.

    Not MGET and MSET: these do not cross the slots of a Cluster, and MSET has no ttl.

    ``check``     raises when the cache may not be used (any more).
    ``deadline``  seconds for a batch where no block is open.
    """

    def __init__(
        self, calls: Calls, commands: Commands, check: Callable[[str], None], deadline: float | None
    ) -> None:
        self._calls = calls
        self._commands = commands
        self._check = check
        self._deadline = deadline

    async def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those keys that are there."""
        found: dict[str, Any] = {}
        prefix = self._commands.prefix

        def take(key: str, reply: bytes | None) -> None:
            if reply is not None:
                found[key] = self._calls.value("get_many", prefix + key, reply)

        def make(key: str) -> Request:
            return self._commands.get("get_many", prefix + key)

        await self._run("get_many", list(keys), make, take)
        return found

    async def set(
        self, values: Mapping[str, Any], ttl: int | None, encode: Callable[[Any], bytes]
    ) -> None:
        """Store all values; none when one of them is not valid."""
        encoded: dict[str, bytes] = {}

        def check(key: str) -> None:
            encoded[check_key(key)] = encode(values[key])

        def make(key: str) -> Request:
            self._calls.forget(key)
            return self._commands.set("set_many", key, encoded[key], ttl)

        def take(key: str, _reply: Any) -> None:
            self._calls.changed(key)

        await self._run("set_many", list(values), make, take, check)

    async def delete(self, keys: Iterable[str]) -> int:
        """Remove keys; return how many live ones were removed."""
        removed = 0

        def make(key: str) -> Request:
            self._calls.forget(key)
            return self._commands.delete("delete_many", key)

        def take(key: str, reply: int) -> None:
            nonlocal removed
            removed += reply
            self._calls.changed(key)

        await self._run("delete_many", list(keys), make, take)
        return removed

    async def _run(
        self,
        operation: str,
        keys: list[str],
        make: Make,
        take: Take,
        check: Callable[[str], Any] = check_key,
    ) -> None:
        """Check all keys, then run a request for each; raise for what failed, by name."""
        self._check(operation)
        expires = expiry(self._deadline)
        steps = Steps(operation, keys, self._check, expires)

        while part := await steps.next("not_applied"):
            for key in part:
                check(key)

        steps.rewind()
        done = 0
        replies: list[Any] = []

        try:
            async with Limit(operation, expires=expires, outcome="unknown"):
                while part := await steps.next():
                    await self._calls.mode.many([make(key) for key in part], replies)
                    _take(part, replies, keys[done + len(part) :], take, is_first=not done)
                    done += len(part)
                    replies = []
        except TimeoutError as exc:
            # The server was silent, whatever the first keys brought.
            exc.retryable = True
            exc.failed_keys = exc.failed_keys or _unanswered(keys[done:], replies)
            raise


def _unanswered(keys: Sequence[str], replies: Sequence[Any]) -> tuple[str, ...]:
    """Return which of ``keys`` have no reply: the last ones were not asked for yet."""
    answered = (
        reply is not UNANSWERED and not isinstance(reply, InfrastructureError) for reply in replies
    )
    return tuple(key for key, well in zip_longest(keys, answered) if not well)


def _take(
    part: Sequence[str],
    replies: Sequence[Any],
    rest: Sequence[str],
    take: Callable[[str, Any], None],
    *,
    is_first: bool,
) -> None:
    errors: dict[str, InfrastructureError] = {}

    for key, reply in zip(part, replies, strict=True):
        if isinstance(reply, InfrastructureError):
            errors[key] = reply
            continue

        try:
            take(key, reply)
        except InfrastructureError as exc:
            errors[key] = exc

    if errors:
        error = next(iter(errors.values()))
        refused = all(each.outcome == "not_applied" for each in errors.values())
        none = is_first and refused and len(errors) == len(part)
        error.outcome = "not_applied" if none else "unknown"
        error.failed_keys = (*errors, *rest)
        raise error
