"""Transactions whose session was given up: nothing more is sent on it, it may be another's by then."""

from __future__ import annotations

import asyncio
from typing import Any

from infrastructure.storage._levels import Level
from infrastructure.storage._transaction import Transactions


class Session:
    """A session of no database: it notes what is sent, and answers no RELEASE."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.discarded = 0

    async def control(self, text: str, _expires: float) -> None:
        word = text.split(maxsplit=1)[0]
        self.sent.append(word)

        if word == "RELEASE":
            await asyncio.Event().wait()

    async def undo(self, _savepoint: str, _expires: float) -> None:
        self.sent.append("undo")

    def is_lost(self) -> bool:
        return False

    def release(self) -> None:
        self.sent.append("release")

    def discard(self) -> None:
        self.discarded += 1


async def test_a_rollback_that_waited_sends_nothing_on_a_session_that_was_given_up() -> None:
    """A child's savepoint is cancelled while it is released: the owner's rollback waited for it."""
    session = Session()

    async def lease(_expires: float, _held: Level | None) -> Any:
        return session

    transactions = Transactions(lease, None)
    level = await transactions.open(flat=True, operation="begin")

    async def savepoint() -> None:
        await transactions.commit(await transactions.open(flat=False, operation="begin"))

    child = asyncio.ensure_future(savepoint())
    await asyncio.sleep(0)
    assert session.sent == ["BEGIN", "SAVEPOINT", "RELEASE"]
    rollback = asyncio.ensure_future(transactions.roll_back(level))
    await asyncio.sleep(0)
    child.cancel()
    await asyncio.wait({child, rollback})
    assert child.cancelled()
    assert rollback.exception() is None
    assert session.discarded == 1
    assert session.sent[:4] == ["BEGIN", "SAVEPOINT", "RELEASE", "release"]
