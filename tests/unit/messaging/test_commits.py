"""Commits that fail: of one topic, and of all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from infrastructure import ConfigurationError, ConnectionError
from infrastructure.messaging._record import Partition
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.messaging.memory._member import Member

from ...servers.waiting import until

WINDOW = 8


class Refused:
    """Refuses commits with ``error``, of whole requests as a driver does, while ``topics`` are in them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
        self.topics: set[str] = set()
        self.stored: dict[Partition, int] = {}
        self.tries = 0
        commit = Member.commit

        async def refusing(member: Member, offsets: Mapping[Partition, int]) -> None:
            self.tries += 1

            if self.topics & {each.topic for each in offsets}:
                raise error("not now")

            await commit(member, offsets)
            self.stored |= offsets

        monkeypatch.setattr(Member, "commit", refusing)

    def finished(self, topic: str) -> int:
        """Return how many messages of a topic are committed."""
        return sum(at for each, at in self.stored.items() if each.topic == topic)


class Handler:
    """Counts what it gets, and holds it while ``gate`` is closed."""

    def __init__(self) -> None:
        self.got = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, payload: Any) -> None:
        await self.gate.wait()
        self.got += 1


@pytest.mark.parametrize("together", [True, False])
async def test_a_topic_whose_commits_are_refused_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, together: bool
) -> None:
    """Others go on far beyond their window; the log tells of that one, once; then it goes on, too."""
    refused, handler, other = Refused(monkeypatch, ConfigurationError), Handler(), Handler()

    async with MemoryMessaging(window=WINDOW) as messaging:
        await messaging.subscribe("a", handler)
        await messaging.subscribe("b", other)
        refused.topics = {"b"}

        if together:
            handler.gate.clear()
            other.gate.clear()

        for n in range(4):
            await messaging.publish("a", n)
            await messaging.publish("b", n)

        handler.gate.set()
        other.gate.set()
        await until(lambda: (handler.got, other.got) == (4, 4))

        for n in range(20 * WINDOW):
            await messaging.publish("a", n)

        await until(lambda: refused.finished("a") == 4 + 20 * WINDOW)
        assert not refused.finished("b")

        for n in range(4 * WINDOW):
            await messaging.publish("b", n)

        # One more window at most.
        await until(lambda: other.got >= WINDOW)
        await asyncio.sleep(0.05)
        assert other.got <= 4 + WINDOW
        refused.topics = set()
        await until(lambda: refused.finished("b") == 4 + 4 * WINDOW)

    told = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert told == ["a commit of b failed and is tried again"]


async def test_in_an_outage_it_is_tried_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All topics are told of by one line; none is tried by itself."""
    refused, handler = Refused(monkeypatch, ConnectionError), Handler()
    topics = {"a", "b", "c"}
    handler.gate.clear()

    async with MemoryMessaging() as messaging:
        for topic in sorted(topics):
            await messaging.subscribe(topic, handler)

        refused.topics = topics

        for n in range(30):
            await messaging.publish(sorted(topics)[n % 3], n)

        handler.gate.set()
        await until(lambda: handler.got == 30)
        await asyncio.sleep(0.5)
        assert refused.tries <= 20
        refused.topics = set()
        await until(lambda: all(refused.finished(each) == 10 for each in topics))

    told = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert len(told) == 1
