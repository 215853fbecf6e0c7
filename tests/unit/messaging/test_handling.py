"""What current_message() answers where a backend calls its handlers itself."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure import OperationError, current_message
from infrastructure.backends import handling
from infrastructure.interfaces import MessageInfo, current_messages

ONE = MessageInfo("t", "k", {}, "t-0-1", None, 1)
TWO = MessageInfo("t", None, {}, "t-0-2", None, 1)


async def test_the_block_knows_its_message() -> None:
    """So do the tasks that are started in it; outside there is none."""

    async def child() -> MessageInfo:
        return current_message()

    with handling(ONE):
        assert current_message() is ONE
        task = asyncio.create_task(child())

    assert await task is ONE

    with pytest.raises(OperationError):
        current_message()


def test_a_batch_has_several_and_blocks_nest() -> None:
    """In order; the outer ones are there again afterwards."""
    with handling(ONE, TWO):
        with handling(TWO):
            assert current_messages() == (TWO,)

        assert list(current_messages()) == [ONE, TWO]
