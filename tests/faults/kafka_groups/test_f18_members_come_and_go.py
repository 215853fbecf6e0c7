"""F18: members join and leave all the time, one is silent beyond its session: nothing is lost."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from .._sessions import BRIEF
from .._timing import SOAK
from ._journal import Journal, Name
from ._load import Offsets, messages, names, publish
from ._making import Note
from ._members import Member, Members

pytestmark = pytest.mark.slow

PARTITIONS = 6
WINDOW = 60
KEYS = 24
EVERY = 2.0
CHANGES = 20 if SOAK else 3


@asynccontextmanager
async def publishing(url: str, topic: str) -> AsyncIterator[list[Name]]:
    """Publish all the time, several messages of each key a second; give what was."""
    sent: list[Name] = []

    async def go_on(messaging: KafkaMessaging) -> None:
        for number in itertools.count():
            wanted = names(KEYS, [number])
            await messaging.publish_many(topic, messages(wanted))
            sent.extend(wanted)
            await asyncio.sleep(0.03)

    async with KafkaMessaging(url) as messaging:
        task = asyncio.ensure_future(go_on(messaging))

        try:
            yield sent
        finally:
            task.cancel()
            await asyncio.wait({task})


@pytest.mark.soak
async def test_F18_members_join_and_leave(
    kafka: KafkaEndpoint, members: Members, group: str, record_property: Note
) -> None:
    """Every two seconds one leaves and one comes: no loss, each key in order and by one at a time."""
    journal = members.journal

    async with kafka.topic(PARTITIONS) as topic:
        offsets = Offsets(kafka, group, topic, PARTITIONS)
        options = {"window": WINDOW, "seconds": 0.004}
        current = [members.start(kafka.url, topic, group, **options) for _ in range(3)]
        await asyncio.gather(*(each.joined() for each in current))

        async with publishing(kafka.url, topic) as sent:
            for _ in range(CHANGES):
                next_one = asyncio.sleep(EVERY)
                current.append(members.start(kafka.url, topic, group, **options))
                await asyncio.gather(next_one, current.pop(0).leave())

        # One whose publish was under way when it ended may be there as well.
        await until(lambda: journal.names("end") >= set(sent), 40)
        await until(offsets.are_at_end)
        await members.leave()
        offsets.close()

    journal.check_order()
    journal.check_alone()
    # Each change takes partitions from the one that leaves, and from others for the one that comes.
    assert journal.repeated() <= 2 * CHANGES * WINDOW
    record_property("soak: members that came and left", CHANGES)
    record_property("soak: messages", len(sent))
    record_property("soak: handled twice", journal.repeated())


async def freeze_with_work(zombie: Member, offsets: Offsets, journal: Journal) -> set[str]:
    """Freeze a member that has not committed all that it has finished; return what it handles then."""
    async with asyncio.timeout(40):
        while True:
            zombie.freeze()

            if journal.uncommitted(zombie.pid, offsets.committed()):
                break

            zombie.thaw()
            await until(lambda: journal.uncommitted(zombie.pid, offsets.committed()), 40)

    held = running(zombie, journal)
    assert held
    return held


def running(member: Member, journal: Journal) -> set[str]:
    """Return the messages that a member has begun and is not done with."""
    done = [*journal.events("end", member.pid), *journal.events("cancelled", member.pid)]
    begun = journal.events("begin", member.pid)
    return {event.id for event in begun} - {event.id for event in done}


async def test_F18_a_zombie(kafka: KafkaEndpoint, members: Members, group: str) -> None:
    """One that was frozen beyond its session commits nothing when it goes on; then it takes part again."""
    journal = members.journal
    before, after = names(KEYS, range(10)), names(KEYS, range(10, 13))

    async with kafka.topic(PARTITIONS) as topic:
        offsets = Offsets(kafka, group, topic, PARTITIONS)
        start = partial(members.start, kafka.url, topic, group, session_timeout=BRIEF)
        zombie = start(seconds=0.2, lanes=4)
        start(seconds=0.001)
        await until(lambda: offsets.owners() == 2, 40)
        await publish(kafka.url, topic, messages(before))
        await until(lambda: len(journal.events("end", zombie.pid)) > 5, 40)
        held = await freeze_with_work(zombie, offsets, journal)
        await until(lambda: journal.names("end") == set(before) and offsets.are_at_end(), 40)
        end = offsets.ends()
        zombie.thaw()

        # It has finished what it did not commit; what it handles ends, or is cancelled where the loss
        # is told first.
        async with asyncio.timeout(40):
            while offsets.owners() < 2 or held & running(zombie, journal):
                assert offsets.committed() == end
                await asyncio.sleep(0.02)

        await publish(kafka.url, topic, messages(after))

        # Nor does any of that come with what is new.
        async with asyncio.timeout(40):
            while not offsets.are_at_end():
                now = offsets.committed()
                assert all(now[number] >= end[number] for number in end), (now, end)
                await asyncio.sleep(0.02)

        assert journal.names("end") == {*before, *after}
        assert journal.names("end", zombie.pid) & set(after)
        await members.leave()
        offsets.close()

    journal.check_order()
    journal.check_alone()
