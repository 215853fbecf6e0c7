"""In-process messaging, its instances in two groups, and what their handlers see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from hypothesis.stateful import invariant

from infrastructure.interfaces import (
    ConnectionError,
    Message,
    MessageInfo,
    ValidationError,
    current_message,
    current_messages,
)
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.testing.clock import FakeClock

from .machine import AsyncMachine, apart
from .messaging_model import ATTEMPTS, DEADLY, GroupLog

__all__ = ["GROUPS", "TOPIC", "Instance", "MessagingWorld"]

TOPIC = "orders"
GROUPS = ("singles", "batches")


class Instance:
    """One instance of a group."""

    def __init__(self, group: str, messaging: MemoryMessaging, handler: Any) -> None:
        self.group = group
        self.messaging = messaging
        self.handler = handler
        self.connected = False
        self.subscribed = False
        # Its group keeps messages for it, connected or not.
        self.joined = False

    async def subscribe(self) -> None:
        if self.group == "batches":
            await self.messaging.subscribe_batch(TOPIC, self.handler, 3, 0.3)
        else:
            await self.messaging.subscribe(TOPIC, self.handler)


class MessagingWorld(AsyncMachine):
    """Two instances in each of two groups, a publisher, and whoever reads the dead letters."""

    async def start(self) -> None:
        self.clock = FakeClock()
        self.number = 0
        self.logs: dict[str, GroupLog] = {}
        self.letters: Counter[tuple[str, int]] = Counter()
        self.wrong: list[str] = []
        self._name = f"memory://{uuid4().hex}"
        self.publisher = self.make("morgue")
        self.instances = [
            Instance(group, self.make(group), partial(getattr(self, f"handle_{group}"), group))
            for group in GROUPS
            for _ in range(2)
        ]
        await self.publisher.connect()
        await self.publisher.subscribe(f"{TOPIC}.dlq", self.handle_letter)

    def make(self, group: str) -> MemoryMessaging:
        """Return an instance of a group on the one broker."""
        return MemoryMessaging(
            self._name, group_id=group, clock=self.clock, backoff=(0.1, 2.0), attempts=ATTEMPTS
        )

    def log_of(self, group: str) -> GroupLog:
        """Return the group's log; one that began just now has nothing to hand out yet."""
        return self.logs.setdefault(group, GroupLog(group))

    async def patiently(self, call: Callable[[], Awaitable[None]]) -> None:
        """Await what may wait for handlers, which wait for the clock."""
        task = apart(call())

        for _ in range(100):
            await self.clock.advance(0.5)

            if task.done():
                break

        await task

    async def handle_singles(self, group: str, payload: dict[str, Any]) -> None:
        await self._handle(self.log_of(group), [payload], (current_message(),))

    async def handle_batches(self, group: str, payloads: list[dict[str, Any]]) -> None:
        await self._handle(self.log_of(group), payloads, current_messages())

    async def _handle(
        self, log: GroupLog, payloads: list[dict[str, Any]], infos: tuple[MessageInfo, ...]
    ) -> None:
        numbers = [each["number"] for each in payloads]
        log.enter(numbers, [each.attempt for each in infos])

        try:
            for payload, info in zip(payloads, infos, strict=True):
                self._check_info(payload, info)
                await self._follow_plan(log, payload, numbers)
        finally:
            log.leave(numbers)

        log.done.update(numbers)

    async def _follow_plan(
        self, log: GroupLog, payload: dict[str, Any], numbers: list[int]
    ) -> None:
        plan, calls = payload["plan"], log.calls[payload["number"]]
        # What a handler does to its payload is seen by nobody else.
        payload["plan"] = "spoiled"

        if plan == "slow":
            await self.clock.sleep(0.7)
        elif plan == "outage" and calls < 4:
            raise ConnectionError("an outage")
        elif plan == "reject":
            log.fail(numbers)
            raise ValidationError(f"no {payload['number']}")
        elif plan == "always" or (plan == "once" and calls == 1):
            log.fail(numbers)
            raise ValueError(f"no {payload['number']}")

    def _check_info(self, payload: dict[str, Any], info: MessageInfo) -> None:
        told = (info.topic, info.key, dict(info.headers))

        if told != (TOPIC, payload["key"], {"trace": str(payload["number"])}):
            self.wrong.append(f"{payload} came as {info}")

    async def handle_letter(self, payload: dict[str, Any]) -> None:
        """Count a dead letter, and compare what it tells with what happened."""
        info, number, plan = current_message(), payload["number"], payload["plan"]
        headers = dict(info.headers)
        told = {name: headers.pop(f"infrastructure-{name}", None) for name in _TOLD}
        group = str(told["group"])
        self.letters[group, number] += 1
        error = ValueError if plan == "always" else ValidationError
        right = (
            (info.key, headers) == (payload["key"], {"trace": str(number)})
            and told["origin-topic"] == TOPIC
            and str(told["origin-partition"]) in "0123"
            and str(told["origin-offset"]).isdigit()
            and str(told["handler"]).endswith(f"MessagingWorld.handle_{group}")
            and told["error"] == f"{error.__module__}.{error.__qualname__}"
            and told["error-text"] == f"no {number}"
            and int(str(told["attempts"])) >= DEADLY[plan]
            and datetime.fromisoformat(str(told["first-failed"])) <= self.clock.now()
        )

        if not right or (group == "singles" and int(str(told["attempts"])) != DEADLY[plan]):
            self.wrong.append(f"the dead letter of {payload} tells {told}, {headers}")

    def message(self, key: str | None, plan: str) -> Message:
        """Return a new message, noted in the log of every group that has begun."""
        self.number += 1
        payload = {"number": self.number, "key": key, "plan": plan}

        for log in self.logs.values():
            log.publish(self.number, key, plan)

        return Message(payload, key=key, headers={"trace": str(self.number)})

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert not self.wrong, self.wrong
        assert not any(log.wrong for log in self.logs.values()), [
            log.wrong for log in self.logs.values()
        ]

    async def quiesce(self) -> None:
        """Give every group a member and time; then every message has come to one end."""
        for each in self.instances:
            if each.joined and not each.connected:
                self.log_of(each.group).moves += 1
                each.connected = True
                await each.messaging.connect()

        await self.clock.advance(300)
        found = [wrong for log in self.logs.values() for wrong in log.settle(self.letters)]
        assert not found, found
        assert not self.wrong, self.wrong
        held = self.publisher._broker.topic(TOPIC).held
        assert not held, f"{held} messages are held though all are finished"

    async def compare(self) -> None:
        await self.quiesce()

    async def stop(self) -> None:
        for each in (*(each.messaging for each in self.instances), self.publisher):
            await self.patiently(each.disconnect)


_TOLD = ("origin-topic", "origin-partition", "origin-offset", "group", "handler")
_TOLD += ("error", "error-text", "attempts", "first-failed")
