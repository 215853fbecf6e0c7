"""The handler of the messaging checks tells what keeps it from counting a message."""

from __future__ import annotations

import pytest

from infrastructure import OperationError
from infrastructure.backends import handling
from infrastructure.conformance.messaging._inbox import Inbox
from infrastructure.interfaces import MessageInfo

INFO = MessageInfo("t", None, {}, "t-0-1", None, 1)


async def test_a_message_is_counted() -> None:
    """With what is known of it."""
    inbox = Inbox()

    with handling(INFO):
        await inbox("hello")

    assert await inbox.wait(1) == ["hello"]
    assert inbox.infos == [INFO]


async def test_a_handler_that_knows_no_message_fails_the_check_at_once() -> None:
    """Nobody waits for half a minute to learn that current_message() does not work."""
    inbox = Inbox()

    with pytest.raises(OperationError):
        await inbox("hello")

    with pytest.raises(AssertionError, match="knows no message inside a handler"):
        await inbox.wait(1)
