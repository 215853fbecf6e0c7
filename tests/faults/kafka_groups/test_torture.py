"""A group tortured: members and the broker killed, members that come and go, poison: nothing is lost."""

from __future__ import annotations

import random
from functools import partial

import pytest

from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .._sessions import BRIEF
from .._timing import SOAK, draw_seed
from ._journal import Name
from ._load import Offsets, messages, names, publish
from ._making import Note, make_messaging
from ._members import Members
from ._torture import Torturer, plan_of

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(1500)]

PARTITIONS = 6
KEYS = 50
BLOWS = 100 if SOAK else 4
EACH = 20 * (BLOWS + 1)
WINDOW = 40


async def letters_of(url: str, topic: str) -> set[Name]:
    """Return the messages that are dead letters."""
    async with make_messaging(url, "readers") as messaging, messaging.dead_letters(topic) as box:
        letters = [letter async for some in box for letter in some]

    return {(letter.payload[0], letter.payload[1]) for letter in letters}


async def test_torture_loses_nothing(
    private_kafka: KafkaServer, members: Members, group: str, record_property: Note
) -> None:
    """0 lost, each key in order, poison alone in the dead letters, duplicates bounded for each blow."""
    seed, url, journal = draw_seed(), private_kafka.url, members.journal
    record_property("soak: seed", seed)
    rng = random.Random(seed)
    wanted = names(KEYS, range(EACH))
    poison = set(rng.sample(wanted, len(wanted) // 100))
    chunk = len(wanted) // (BLOWS + 1)

    async with private_kafka.topic(PARTITIONS) as topic:
        options = {"seconds": 0.01, "window": WINDOW, "lanes": 8, "backoff": (0.02, 0.1)}
        start = partial(members.start, url, topic, group, session_timeout=BRIEF, **options)
        torturer = Torturer(private_kafka, start, 3, rng)
        offsets = Offsets(private_kafka, group, topic, PARTITIONS)
        await torturer.joined()

        for number, what in enumerate([*plan_of(rng, BLOWS), None]):
            sent = wanted[: (number + 1) * chunk]
            await publish(url, topic, messages(sent[-chunk:], poison))
            some = set(sent[: -rng.randrange(1, chunk)])
            await until(lambda: journal.ended() >= some, 60)  # noqa: B023

            if what is not None:
                await torturer.strike(what)

        await until(lambda: journal.ended() == set(wanted), 60)
        await until(offsets.are_at_end, 60)
        await members.leave()
        offsets.close()
        assert await letters_of(url, topic) == poison, seed

    journal.check_order()
    twice, most = journal.repeated(poison), torturer.may_repeat(journal, WINDOW)
    assert twice <= most, (seed, twice, most)
    record_property("soak: messages", len(wanted))
    record_property("soak: blows", torturer.told())
    record_property("soak: handled twice", f"{twice} of at most {most}")
