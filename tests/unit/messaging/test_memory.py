"""The in-process broker: its bounds, what it keeps, how partitions are shared, whose loop it is."""

from __future__ import annotations

import asyncio
import gc
from typing import Any
from uuid import uuid4

import pytest

from infrastructure.interfaces import ConfigurationError, Message
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.messaging.memory._broker import Broker, broker_of
from infrastructure.messaging.memory._topic import MAX_BYTES, Topic


def topic(**options: int) -> Topic:
    return Topic("t", source="", **{"max_log": 100, "retain": 0, **options})


def add(log: Topic, *payloads: Any, key: str | None = "k", size: int = 10) -> None:
    for payload in payloads:
        log.append(key, payload, None, None, size)


def kept(log: Topic) -> list[Any]:
    """What a new group would be given."""
    return sorted(
        record.payload for each in log.logs for record in each.read(each.kept, 1000, 10**9)
    )


def acknowledge_all(log: Topic, group: str) -> None:
    for each in log.logs:
        log.acknowledge(group, each.partition, each.end)


def test_without_a_group_nothing_is_kept() -> None:
    """Messages that nobody will ever read take no room, and count on."""
    log = topic()
    add(log, 1, 2, 3)
    assert (log.held, sum(len(each.records) for each in log.logs)) == (0, 0)
    assert sum(each.end for each in log.logs) == 3


def test_what_a_group_has_not_finished_is_kept() -> None:
    """The slowest group counts."""
    log = topic()
    log.add_group("fast")
    log.add_group("slow")
    add(log, 1, 2, 3)
    acknowledge_all(log, "fast")
    assert (log.held, log.held_bytes, log.slowest()) == (3, 30, "slow")
    acknowledge_all(log, "slow")
    assert (log.held, log.held_bytes) == (0, 0)
    assert not any(each.records for each in log.logs)


def test_a_group_that_goes_makes_room() -> None:
    """After unsubscribe nothing is kept for it."""
    log = topic(max_log=2)
    log.add_group("gone")
    add(log, 1, 2)
    assert log.is_crowded
    log.remove_group("gone")
    assert (log.held, log.is_crowded) == (0, False)


@pytest.mark.parametrize("key", ["k", None])
def test_the_last_messages_are_retained(key: str | None) -> None:
    """Exactly so many, over all partitions, finished or not."""
    log = topic(retain=20)
    log.add_group("g")
    add(log, *range(100), key=key)
    acknowledge_all(log, "g")
    assert kept(log) == list(range(80, 100))
    assert sum(len(each.records) for each in log.logs) < 60
    log.add_group("new")
    assert log.held == 20


def test_a_new_group_gets_no_more_than_is_retained() -> None:
    """Also where older records are there still: they are dropped by the half."""
    log = topic(retain=20)
    add(log, *range(30))
    assert sum(len(each.records) for each in log.logs) > 20
    log.add_group("new")
    assert log.held == 20


def test_retained_messages_are_bounded_by_bytes() -> None:
    """The oldest go first."""
    log = topic(retain=100)
    add(log, 1, 2, 3, size=MAX_BYTES // 2)
    assert kept(log) == [2, 3]


def test_the_log_is_bounded_by_bytes() -> None:
    """Messages of 64 MiB together are enough."""
    log = topic()
    log.add_group("g")
    add(log, 1, size=MAX_BYTES - 1)
    assert not log.is_full
    add(log, 2, size=1)
    assert log.is_full


async def test_cancelled_publishers_give_their_place_to_the_next() -> None:
    """A place that was handed to a cancelled one is not lost."""
    log = topic(max_log=1)
    log.add_group("g")
    add(log, 0)
    blocked: set[asyncio.Future[None]] = set()
    first, second = (asyncio.create_task(log.wait_for_room(blocked)) for _ in range(2))
    await asyncio.sleep(0)
    assert len(blocked) == 2
    acknowledge_all(log, "g")
    first.cancel()
    await asyncio.wait({first, second}, timeout=5)
    assert first.cancelled()
    assert second.done()
    assert (blocked, log.is_crowded) == (set(), False)


async def test_members_share_the_partitions_evenly() -> None:
    """Two members have two each, a fifth has none, and those who stay take over."""
    url = f"memory://{uuid4().hex}"
    members = [MemoryMessaging(url, group_id="g") for _ in range(5)]
    expected = [[4], [2, 2], [1, 1, 2], [1, 1, 1, 1], [0, 1, 1, 1, 1]]

    async def handler(_: Any) -> None: ...

    def shares(of: list[MemoryMessaging]) -> list[int]:
        return sorted(len(each._member._assigned) for each in of if each._member is not None)

    for count, member in enumerate(members, 1):
        await member.connect()
        await member.subscribe("t", handler)

        for _ in range(10):
            await asyncio.sleep(0)

        assert shares(members) == expected[count - 1]

    for member in members[:4]:
        await member.disconnect()

    assert shares(members) == [4]
    await members[4].disconnect()


async def test_a_private_broker_is_private() -> None:
    """Two instances of memory:// do not see each other; two of one name do."""
    assert broker_of("") is not broker_of("")
    name = uuid4().hex
    held = broker_of(name)
    assert broker_of(name) is held
    source = held._source
    del held
    gc.collect()
    assert broker_of(name)._source != source


def test_the_larger_bound_of_a_shared_broker_counts() -> None:
    """Also for topics that are there already."""
    broker = Broker("shared")
    broker.configure(max_log=10, retain=5)
    log = broker.topic("t")
    broker.configure(max_log=20, retain=0)
    assert (log.max_log, log.retain) == (20, 5)


def test_an_instance_outlives_its_loop() -> None:
    """When its loop was closed without disconnect, connect starts afresh in the next one."""
    messaging, got = MemoryMessaging(group_id="g"), []

    async def first() -> None:
        await messaging.connect()
        await messaging.subscribe("t", handler)
        await messaging.publish("t", Message("unread", key="k"))

    async def handler(payload: Any) -> None:
        got.append(payload)

        if payload == "end":
            done.set()

    async def second() -> None:
        nonlocal done
        done = asyncio.Event()

        async with messaging:
            await messaging.publish("t", Message("end", key="k"))

            async with asyncio.timeout(5):
                await done.wait()

    done = asyncio.Event()
    asyncio.run(first())
    asyncio.run(second())
    assert got == ["unread", "end"]


async def test_a_shared_broker_has_one_loop() -> None:
    """While one loop uses it, another gets a ConfigurationError that says what to do."""
    url = f"memory://{uuid4().hex}"

    async with MemoryMessaging(url):

        def elsewhere() -> None:
            asyncio.run(MemoryMessaging(url).connect())

        with pytest.raises(ConfigurationError, match="a name of its own for each loop"):
            await asyncio.to_thread(elsewhere)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("redis://name", {}),
        ("memory://a,b", {}),
        ("memory://a/b", {}),
        ("memory://a:3", {}),
        ("memory", {}),
        ("memory://", {"retain": -1}),
        ("memory://", {"max_log": 0}),
        ("memory://", {"group_id": ""}),
        ("memory://", {"group_id": 3}),
        ("memory://", {"partitions": 3}),
    ],
)
def test_wrong_settings(url: str, options: dict[str, Any]) -> None:
    """Each is a ConfigurationError of the constructor."""
    with pytest.raises(ConfigurationError):
        MemoryMessaging(url, **options)


async def test_repr_tells_the_state() -> None:
    """The name, and whether it is connected."""
    messaging = MemoryMessaging("memory://shown")
    assert repr(messaging) == "<MemoryMessaging memory://shown closed>"

    async with messaging:
        assert repr(messaging) == "<MemoryMessaging memory://shown connected>"
