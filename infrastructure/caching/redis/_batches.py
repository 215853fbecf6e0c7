"""The batch mixins: per-key commands that leave together, a few hundred at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..._core.deadline import Limit
from ...interfaces.exceptions import InfrastructureError, TimeoutError
from .._steps import Steps
from ._mode import Mode
from ._request import Request

__all__ = ["run_batch"]


async def run_batch(
    mode: Mode,
    operation: str,
    steps: Steps,
    keys: Sequence[str],
    expires: float,
    make: Callable[[str], Request],
    take: Callable[[str, Any], None],
) -> None:
    """Run ``make(key)`` for each key and ``take`` its reply; raise for what failed, by name.

    Not MGET and MSET: these do not cross the slots of a Cluster, and MSET has no ttl.
    """
    done = 0
    limit = Limit(operation, expires=expires, outcome="unknown")

    try:
        async with limit:
            while part := await steps.next():
                replies = await mode.many([make(key) for key in part])
                _take(part, replies, keys[done + len(part) :], take)
                done += len(part)
    except TimeoutError as exc:
        exc.failed_keys = exc.failed_keys or tuple(keys[done:])
        # Whichever came first, the limit of the batch or that of a request: the server was silent.
        exc.retryable = True
        raise


def _take(
    part: Sequence[str],
    replies: Sequence[Any],
    rest: Sequence[str],
    take: Callable[[str, Any], None],
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
        error.outcome = "not_applied" if refused and len(errors) == len(part) else "unknown"
        error.failed_keys = (*errors, *rest)
        raise error
