"""The broker inside this process: topics and groups; one for each instance, or one by name."""

from __future__ import annotations

import asyncio
import os
import secrets
from weakref import WeakValueDictionary

from ..._core.names import check_topic
from ...interfaces.exceptions import ConfigurationError
from ._group import Group
from ._topic import Topic

__all__ = ["Broker", "broker_of"]

# Dead letters nobody reads yet.
_DEAD_LETTERS = 1000


class Broker:
    """Topics and groups, of one event loop at a time; lives as long as an instance of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.max_log = 1
        self.retain = 0
        # Ids of messages differ between two brokers of one topic, and after a restart.
        self._source = f"{secrets.token_hex(4)}-"
        self._topics: dict[str, Topic] = {}
        self._groups: dict[str, Group] = {}
        # Instances that are connected.
        self._users: set[object] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def configure(self, *, max_log: int, retain: int) -> None:
        """Take over an instance's bounds; where several share the broker, the largest count."""
        self.max_log = max(self.max_log, max_log)
        self.retain = max(self.retain, retain)

        for topic in self._topics.values():
            topic.max_log = self.max_log
            topic.retain_at_least(self.retain)

    def enter(self, user: object) -> None:
        """Serve ``user`` in the running loop; refuse while others are connected in another one."""
        loop = asyncio.get_running_loop()

        if self._loop is not loop or self._pid != os.getpid():
            self._move_to(loop)

        self._users.add(user)

    def leave(self, user: object) -> None:
        """Note that ``user`` is not connected any more."""
        self._users.discard(user)

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        lives = self._loop and self._pid == os.getpid() and not self._loop.is_closed()

        if self._users and lives:
            msg = (
                f"connect: the in-process broker {self.name!r} belongs to another event loop that "
                "is still open; use a name of its own for each loop"
            )
            raise ConfigurationError(msg, operation="connect")

        for group in self._groups.values():
            group.drop_members()

        for topic in self._topics.values():
            topic.drop_readers()

        self._users.clear()
        self._loop, self._pid = loop, os.getpid()

    def topic(self, name: str) -> Topic:
        """Return the topic of a legal name; it is made when it is first used."""
        try:
            return self._topics[name]
        except (KeyError, TypeError):
            check_topic(name)
            topic = Topic(name, source=self._source, max_log=self.max_log, retain=self.retain)
            self._topics[name] = topic
            return topic

    def topics(self) -> list[Topic]:
        """Return all topics."""
        return list(self._topics.values())

    def keep_dead_letters(self, name: str) -> None:
        """Retain the messages of a dead-letter topic."""
        self.topic(name).retain_at_least(_DEAD_LETTERS)

    def group(self, name: str) -> Group:
        """Return the group of a name."""
        return self._groups.setdefault(name, Group(name))


_named: WeakValueDictionary[str, Broker] = WeakValueDictionary()


def broker_of(name: str) -> Broker:
    """Return the broker of a name, or a private one for ``""``."""
    if not name:
        return Broker("")

    broker = _named.get(name)

    if broker is None:
        broker = _named[name] = Broker(name)

    return broker
