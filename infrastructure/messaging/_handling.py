"""What ``current_message()`` answers, for a backend that calls its handlers without the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..interfaces._context import message_infos
from ..interfaces.messaging import MessageInfo

__all__ = ["handling"]


@contextmanager
def handling(*messages: MessageInfo) -> Iterator[None]:
    """Have ``current_message()`` and ``current_messages()`` answer with ``messages`` in the block.

    In the tasks that the handler starts, too. ``with handling(info): await handler(payload)``.
    """
    token = message_infos.set(lambda: messages)

    try:
        yield
    finally:
        message_infos.reset(token)
