"""Whoever comes, goes and fails: every group handles every message, in order, or buries it once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from infrastructure.interfaces import ConnectionError, ValidationError

from .machine import error_of, machine_settings
from .messaging_world import TOPIC, Instance, MessagingWorld

keys = st.sampled_from([None, "a", "b", "c", "د"])
plans = st.sampled_from(["fine", "fine", "fine", "once", "outage", "slow", "always", "reject"])
members = st.integers(0, 3)
published = precondition(lambda self: self.number)


class MessagingMachine(MessagingWorld):
    """Every step that is taken in that world."""

    @rule(key=keys, plan=plans)
    def publish(self, key: str | None, plan: str) -> None:
        self.await_(self.publisher.publish(TOPIC, self.message(key, plan)))

    @rule(many=st.lists(st.tuples(keys, plans), max_size=6))
    def publish_many(self, many: list[tuple[str | None, str]]) -> None:
        self.await_(self.publisher.publish_many(TOPIC, [self.message(*each) for each in many]))

    @rule(bad=st.sampled_from(["", "a b", "..", "ت"]), worse=st.booleans())
    def refuse(self, bad: str, worse: bool) -> None:
        """A topic or a payload that is not legal reaches nobody."""
        topic, message = (TOPIC, object()) if worse else (bad, 1)
        error = self.await_(error_of(lambda: self.publisher.publish(topic, message)))
        assert isinstance(error, ValidationError)

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.1, 0.3, 1.0, 6.0]))
    def advance(self, seconds: float) -> None:
        self.await_(self.clock.advance(seconds))

    @rule(member=members)
    def subscribe(self, member: int) -> None:
        """Before connect it is remembered; the same handler twice is once."""
        each = self.instances[member]
        each.subscribed = True
        self.change(each, each.subscribe)

    @rule(member=members)
    def connect(self, member: int) -> None:
        """What was subscribed comes back."""
        each = self.instances[member]
        each.connected = True
        self.change(each, each.messaging.connect)

    @rule(member=members)
    def disconnect(self, member: int) -> None:
        """The group keeps what it was not handed, for any member that comes."""
        each = self.instances[member]
        each.connected = False
        self.change(each, each.messaging.disconnect)
        error = self.await_(error_of(lambda: each.messaging.publish(TOPIC, 1)))
        assert isinstance(error, ConnectionError)

    @rule(member=members)
    def unsubscribe(self, member: int) -> None:
        """When the last one has left, nothing is kept for the group any more."""
        each = self.instances[member]

        if not each.connected:
            return

        each.subscribed = False
        self.change(each, lambda: each.messaging.unsubscribe(TOPIC))
        each.joined = False

        if not any(other.joined for other in self.instances if other.group == each.group):
            self.logs.pop(each.group, None)

    def change(self, each: Instance, call: Callable[[], Awaitable[None]]) -> None:
        """Change who is a member of the group, or may be."""
        self.log_before(each)
        self.await_(self.patiently(call))

    def log_before(self, each: Instance) -> None:
        """Note what the change does to the group's log."""
        if each.connected and each.subscribed:
            each.joined = True

        if each.joined:
            self.log_of(each.group).moves += 1

    @published
    @rule()
    def wait_for_all(self) -> None:
        self.await_(self.quiesce())


TestMemoryMessaging = MessagingMachine.TestCase
TestMemoryMessaging.settings = machine_settings(0.5)
