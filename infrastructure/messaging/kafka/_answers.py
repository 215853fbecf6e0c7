"""The answers of several messages that were sent together."""

from __future__ import annotations

import asyncio

from ...interfaces.exceptions import InfrastructureError

__all__ = ["all_sent", "given_up"]


async def all_sent(sent: list[asyncio.Future[None]]) -> None:
    """Return when all are acknowledged; raise the error of the first one that is not."""
    try:
        if sent:
            await asyncio.wait(sent)
    finally:
        errors = given_up(sent)

    for position, error in errors:
        if isinstance(error, InfrastructureError):
            error.row_index = position

        raise error


def given_up(sent: list[asyncio.Future[None]]) -> list[tuple[int, BaseException]]:
    """Wait for none of these any more; return the errors of those that have ended, by position.

    What is not handed over never will be. asyncio complains of each error that nobody has seen.
    """
    ended = [(n, each) for n, each in enumerate(sent) if not each.cancel() and not each.cancelled()]
    return [(n, error) for n, each in ended if (error := each.exception()) is not None]
