"""F17: ``kill -9`` of a member in the middle of its work: nothing is lost, little is handled twice."""

from __future__ import annotations

import pytest

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from .._timing import SLACK
from ._load import Offsets, messages, names, publish
from ._members import Members

pytestmark = pytest.mark.slow

PARTITIONS = 4
WINDOW = 100
BEHIND = 0.2
"""Seconds that a commit may lag."""


async def test_F17_a_killed_member(kafka: KafkaEndpoint, members: Members, group: str) -> None:
    """Twice comes at most its window, and what it finished since the last commit, 0.2 s before."""
    wanted = names(40, range(50))
    journal = members.journal

    async with kafka.topic(PARTITIONS) as topic:
        await publish(kafka.url, topic, messages(wanted))
        offsets = Offsets(kafka, group, topic, PARTITIONS)
        first = members.start(kafka.url, topic, group, seconds=0.05, window=WINDOW)
        # That takes 2 s: what it finished first is much older than a commit may be.
        await until(lambda: journal.count("end") > 600, 40)
        first.kill()
        # Its last commit may still wait at the broker, who takes it until the session is over.
        await until(offsets.are_nobodys, 40)
        committed = offsets.committed()
        second = members.start(kafka.url, topic, group, seconds=0, window=WINDOW)
        await until(lambda: journal.names("end") == set(wanted), 40)
        await until(offsets.are_at_end)
        await second.leave()
        offsets.close()

    began = {event.id: event.place for event in journal.events("begin", first.pid)}
    twice = {event.id for event in journal.events("begin", second.pid)} & began.keys()
    # Nothing that was committed comes again, and everything that was not.
    assert twice == {
        name for name, (partition, offset) in began.items() if offset >= committed[partition]
    }
    late = journal.uncommitted(first.pid, committed)
    assert len(began) < len(wanted)
    assert len(twice) <= WINDOW + len(late)
    # By its own clock, until its last sign of life: each call of the handler is one.
    *_, last = (event for event in journal.events(pid=first.pid) if event.what != "killed")
    assert max((last.taken - event.taken for event in late), default=0.0) < BEHIND + SLACK
    assert len(journal.events("end", first.pid)) < len(began)
    assert journal.repeated() == len(twice)
    journal.check_order()
    journal.check_alone()
