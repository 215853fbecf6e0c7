"""Commits that fail: of one topic, and of all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from infrastructure import ConfigurationError, ConnectionError
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging._record import Partition
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.messaging.memory._member import Member

from ...servers.waiting import until
from .tiny_log import Bench

WINDOW = 8


class Refused:
    """Refuses commits, of whole requests as a driver does, while ``topics`` are in them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.topics: set[str] = set()
        self.stored: dict[Partition, int] = {}
        commit = Member.commit

        async def refusing(member: Member, offsets: Mapping[Partition, int]) -> None:
            if self.topics & {each.topic for each in offsets}:
                msg = "not now"
                raise ConfigurationError(msg)

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
    refused, handler, other = Refused(monkeypatch), Handler(), Handler()

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


class Several:
    """An engine over a log that answers as the test wants, with a partition of each of three topics."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.errors: dict[str, Exception] = {}
        self.tries: list[set[str]] = []
        self.bench.log.on_commit = self._answer
        self.parts = {topic: Partition(topic, 0) for topic in "abc"}

    def _answer(self, offsets: Mapping[Partition, int]) -> None:
        topics = {each.topic for each in offsets}
        self.tries.append(topics)

        for topic in sorted(topics & self.errors.keys()):
            raise self.errors[topic]

    async def open(self) -> None:
        for topic, partition in self.parts.items():
            options = DeliveryOptions(clock=self.bench.clock)
            self.bench.engine.subscribe(topic, self.bench.handle, options)
            self.bench.engine.assigned([partition])

    async def handled(self, topics: str) -> None:
        """Have a message of each topic handled."""
        for topic in topics:
            self.bench.deliver(topic, partition=self.parts[topic])

        await self.bench.settle()

    def finished(self) -> dict[str, int]:
        """Return what is committed, by topic."""
        return {each.topic: at for each, at in self.bench.log.committed.items()}


@pytest.fixture
async def several() -> AsyncIterator[Several]:
    """One that is open."""
    made = Several()
    await made.open()
    yield made
    made.bench.engine.close()


async def test_in_an_outage_it_is_tried_less_and_less_often(
    several: Several, caplog: pytest.LogCaptureFixture
) -> None:
    """All topics together, after twice as long each time; one line tells of it."""
    several.errors = dict.fromkeys("abc", ConnectionError("down"))
    await several.handled("abc")
    # After 0.2 s, then 0.2 s later, and so on: the seventh would come after 12.8 s.
    await several.bench.clock.advance(10)
    assert several.tries == [{"a", "b", "c"}] * 6
    several.errors = {}
    await several.bench.clock.advance(10)
    assert several.finished() == {"a": 1, "b": 1, "c": 1}
    told = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert told == ["a commit of a, b, c failed and is tried again"]


async def test_when_the_log_answers_again_all_are_tried(several: Several) -> None:
    """Also those that were tried at other times than the one that is under way."""
    down = ConnectionError("down")
    several.errors = dict.fromkeys("abc", down)

    for topic in "abc":
        await several.handled(topic)
        await several.bench.clock.advance(7)

    several.errors = {}
    several.bench.engine.answered()
    await several.bench.settle()
    assert several.finished() == {"a": 1, "b": 1, "c": 1}


async def test_a_topic_that_is_healed_by_the_way_leaves_nobody_waiting(several: Several) -> None:
    """What was to be tried a long time later is not what the others wait for."""
    several.errors = {"a": ConfigurationError("not now")}
    await several.handled("a")
    await several.bench.clock.advance(100)
    several.errors = {}
    await several.bench.engine.revoked([several.parts["a"]])
    await several.handled("bc")
    await several.bench.clock.advance(0.2)
    assert several.finished() == {"a": 1, "b": 1, "c": 1}


async def test_an_outage_is_not_waited_for_by_each_topic(several: Several) -> None:
    """One try tells it: the rest of what was refused together stays for later."""
    several.errors = {"a": ConfigurationError("not now"), "b": ConnectionError("down")}
    await several.handled("abc")
    await several.bench.clock.advance(0.2)
    assert several.tries == [{"a", "b", "c"}, {"a"}, {"b"}]
    several.errors = {}
    await several.bench.clock.advance(1)
    assert several.finished() == {"a": 1, "b": 1, "c": 1}


async def test_what_is_lost_meanwhile_is_not_committed(several: Several) -> None:
    """It is somebody else's by then."""
    answer = several.bench.log.on_commit

    def lose(offsets: Mapping[Partition, int]) -> None:
        several.bench.engine.lost([several.parts["b"]])
        answer(offsets)

    several.bench.log.on_commit = lose
    several.errors = {"a": ConfigurationError("not now")}
    await several.handled("abc")
    await several.bench.clock.advance(0.2)
    assert several.finished() == {"c": 1}


async def test_what_was_cancelled_is_tried_again(several: Several) -> None:
    """By the next commit: none of the topics is forgotten."""
    several.errors = {"a": ConfigurationError("not now")}
    answer, gate = several.bench.log.commit, asyncio.Event()

    async def slow(offsets: Mapping[Partition, int]) -> None:
        if len(offsets) == 1:
            await gate.wait()

        await answer(offsets)

    several.bench.log.commit = slow  # type: ignore[method-assign]
    await several.handled("abc")
    windows = several.bench.engine._windows
    commit = asyncio.create_task(windows.commit(windows.of()))
    await asyncio.sleep(0.01)
    commit.cancel()
    await asyncio.wait({commit})
    gate.set()
    several.errors = {}
    await several.bench.clock.advance(0.2)
    assert several.finished() == {"a": 1, "b": 1, "c": 1}
