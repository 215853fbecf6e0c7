"""Batches: lists of messages, in order for each key, and only the bad ones are dead-lettered."""

from __future__ import annotations

import asyncio
import builtins
from typing import Any

from ...interfaces import Message, MessageInfo, current_messages
from .._check import check
from .._expect import beside, equal
from .._harness import MessagingHarness
from ._inbox import Inbox, patience, topic

__all__ = [
    "M8_batch_waits_no_longer_than_max_wait",
    "M8_current_messages_match_the_list",
    "M8_failed_batch_is_retried_once_then_one_by_one",
    "M8_failure_of_the_list_ends_nobodys_attempts",
    "M8_full_batch_is_handed_over_at_once",
    "M8_max_wait_counts_from_the_first_message",
    "M8_messages_stay_in_order_for_each_key",
    "M8_only_the_bad_message_is_dead_lettered",
    "M8_outage_makes_the_whole_batch_wait",
    "M8_returning_acknowledges_the_whole_list",
    "M12_window_holds_two_batches",
]


class _Batches:
    """A batch handler that keeps its lists; ``errors`` are raised first, one a call."""

    def __init__(self, *errors: Exception, poison: Any = None) -> None:
        self.lists: list[list[Any]] = []
        self.infos: list[tuple[MessageInfo, ...]] = []
        self.done: list[Any] = []
        self._errors = list(errors)
        self._poison = poison
        self._changed = asyncio.Event()

    async def __call__(self, payloads: list[Any]) -> None:
        self.lists.append(list(payloads))
        self.infos.append(current_messages())

        if self._errors:
            raise self._errors.pop(0)

        if self._poison in payloads:
            raise ValueError("poison")

        self.done += payloads
        self._changed.set()

    async def wait(self, count: int) -> None:
        """Return once ``count`` messages are done."""
        async with patience(lambda: f"{count} messages, lists were {self.lists!r:.400}"):
            while len(self.done) < count:
                self._changed.clear()
                await self._changed.wait()


@check(feature="batches")
async def M8_full_batch_is_handed_over_at_once(harness: MessagingHarness) -> None:
    """``max_messages`` are not kept waiting for ``max_wait``, and no list is longer."""
    name, batches = topic("full"), _Batches()

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe_batch(name, batches, max_messages=5, max_wait=600.0)
        await messaging.publish_many(name, [Message(n, key="k") for n in range(10)])
        await batches.wait(10)

    assert batches.lists == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]], f"lists were {batches.lists}"


@check(feature="batches")
async def M8_batch_waits_no_longer_than_max_wait(harness: MessagingHarness) -> None:
    """Fewer than ``max_messages`` are handed over ``max_wait`` after the first."""
    name, batches = topic("few"), _Batches()

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe_batch(name, batches, max_messages=500, max_wait=0.05)
        await messaging.publish_many(name, [Message(n, key="k") for n in range(3)])
        await batches.wait(3)

    assert batches.done == [0, 1, 2], f"lists were {batches.lists}"


@check(feature="batches")
async def M8_max_wait_counts_from_the_first_message(harness: MessagingHarness) -> None:
    """Messages that keep coming do not hold back the list that waits for them."""
    name, batches = topic("first"), _Batches()

    async def publish() -> None:
        while True:
            await messaging.publish(name, 1)
            await asyncio.sleep(0.01)

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe_batch(name, batches, max_messages=10_000, max_wait=0.1)
        publisher = beside(publish())

        try:
            await batches.wait(1)
        finally:
            publisher.cancel()


@check(feature="batches")
async def M12_window_holds_two_batches(harness: MessagingHarness) -> None:
    """A window that is set smaller than a batch keeps no batch from being full."""
    name, batches = topic("window"), _Batches()

    async with harness.make(group_id="g", window=1) as messaging:
        await messaging.subscribe_batch(name, batches, max_messages=20, max_wait=600.0)
        await messaging.publish_many(name, [Message(n, key="k") for n in range(40)])
        await batches.wait(40)

    assert batches.lists == [list(range(20)), list(range(20, 40))], f"lists were {batches.lists}"


@check(feature="batches")
async def M8_messages_stay_in_order_for_each_key(harness: MessagingHarness) -> None:
    """Over all lists the messages of a key come as they were published, one list at a time."""
    name, batches = topic("keys"), _Batches()
    inside: set[str] = set()
    twice: set[str] = set()

    async def handler(payloads: list[tuple[str, int]]) -> None:
        keys = {key for key, _ in payloads}
        twice.update(inside & keys)
        inside.update(keys)
        await asyncio.sleep(0)
        inside.difference_update(keys)
        await batches(payloads)

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe_batch(name, handler, max_messages=7, max_wait=0.01)
        await messaging.publish_many(
            name, [Message((f"k{n % 5}", n), key=f"k{n % 5}") for n in range(200)]
        )
        await batches.wait(200)

    assert not twice, f"two lists held the keys {twice} at a time"
    assert max(map(len, batches.lists)) <= 7, "a list was longer than max_messages"

    for key in (f"k{n}" for n in range(5)):
        numbers = [number for owner, number in batches.done if owner == key]
        assert numbers == sorted(numbers), f"key {key} came as {numbers}"


@check(feature="batches")
async def M8_current_messages_match_the_list(harness: MessagingHarness) -> None:
    """``current_messages()`` tells of each payload, in the order of the list."""
    name, batches = topic("match"), _Batches()

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe_batch(name, batches, max_messages=6, max_wait=0.05)
        await messaging.publish_many(
            name, [Message(f"k{n % 2}", key=f"k{n % 2}") for n in range(6)]
        )
        await batches.wait(6)

    told = [[info.key for info in infos] for infos in batches.infos]
    assert told == batches.lists, f"keys told {told}, payloads {batches.lists}"


@check(feature="batches")
async def M8_failed_batch_is_retried_once_then_one_by_one(harness: MessagingHarness) -> None:
    """After two failures of a list its messages come alone, in order, before those behind them."""
    name, batches = topic("alone"), _Batches(ValueError("first"), ValueError("second"))

    async with harness.make(group_id="g", backoff=(0.01, 0.02)) as messaging:
        await messaging.subscribe_batch(name, batches, max_messages=3, max_wait=600.0)
        await messaging.publish_many(name, [Message(n, key="k") for n in range(6)])
        await batches.wait(6)

    expected = [[0, 1, 2], [0, 1, 2], [0], [1], [2], [3, 4, 5]]
    assert batches.lists == expected, f"lists were {batches.lists}"
    equal([infos[0].attempt for infos in batches.infos], [1, 2, 3, 3, 3, 1])


@check(feature="batches")
async def M8_only_the_bad_message_is_dead_lettered(harness: MessagingHarness) -> None:
    """The good messages of a failed list are handled; the bad one goes to the dead letters."""
    name, batches, dead = topic("bad"), _Batches(poison=1), Inbox()

    async with harness.make(group_id="g", backoff=(0.01, 0.02)) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe_batch(name, batches, max_messages=3, max_wait=600.0)
        await messaging.publish_many(name, [Message(n, key="k") for n in range(3)])
        await batches.wait(2)
        equal(await dead.wait(1), [1])

    assert batches.done == [0, 2], f"handled {batches.done}"


@check(feature="batches")
async def M8_failure_of_the_list_ends_nobodys_attempts(harness: MessagingHarness) -> None:
    """One that fails once after a list was split has its own attempts still, and is handled."""
    shared = [ValueError("the list") for _ in range(2)]
    name, batches = topic("innocent"), _Batches(*shared, ValueError("it passes"))

    async with harness.make(group_id="g", backoff=(0.01, 0.02), attempts=2) as messaging:
        await messaging.subscribe_batch(name, batches, max_messages=3, max_wait=600.0)
        await messaging.publish_many(name, [Message(n, key="k") for n in range(3)])
        await batches.wait(3)

    assert batches.lists == [[0, 1, 2]] * 2 + [[0], [0], [1], [2]], f"lists were {batches.lists}"
    assert batches.done == [0, 1, 2], f"handled {batches.done}"


@check(feature="batches")
async def M8_outage_makes_the_whole_batch_wait(harness: MessagingHarness) -> None:
    """An outage repeats the list as it was, any number of times, and counts as no attempt."""
    errors = [builtins.ConnectionError("down") for _ in range(5)]
    name, batches = topic("outage"), _Batches(*errors)

    async with harness.make(group_id="g", backoff=(0.01, 0.02), attempts=2) as messaging:
        await messaging.subscribe_batch(name, batches, max_messages=3, max_wait=600.0)
        await messaging.publish_many(name, [Message(n, key="k") for n in range(3)])
        await batches.wait(3)

    assert batches.lists == [[0, 1, 2]] * 6, f"lists were {batches.lists}"
    equal({info.attempt for infos in batches.infos for info in infos}, {1})


@check(feature="batches")
async def M8_returning_acknowledges_the_whole_list(harness: MessagingHarness) -> None:
    """After a reconnect nothing of a finished list comes again."""
    name, batches = topic("acknowledged"), _Batches()
    messaging = harness.make(group_id="g")

    async with messaging:
        await messaging.subscribe_batch(name, batches, max_messages=4, max_wait=0.01)
        await messaging.publish_many(name, [Message(n, key="k") for n in range(4)])
        await batches.wait(4)

    async with messaging:
        await messaging.publish(name, Message("end", key="k"))
        await batches.wait(5)

    assert batches.done == [0, 1, 2, 3, "end"], f"handled {batches.done}"
