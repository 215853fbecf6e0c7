"""What a group should be handed: a log of what was published, and what came of each message."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ATTEMPTS", "DEADLY", "GroupLog", "Sent"]

ATTEMPTS = 3
DEADLY = {"always": ATTEMPTS, "reject": 1}
"""Plans that end in a dead letter, and after how many calls with the message alone."""


@dataclass(frozen=True)
class Sent:
    """A published message; ``moves`` is how often the group's members had changed by then."""

    number: int
    key: str | None
    plan: str
    moves: int


@dataclass
class GroupLog:
    """The messages of one group since it began, in publish order, by number.

    ``moves``    changes of its members: each may deliver again what was not committed.
    ``settled``  handled and committed for good: never to be seen again.
    ``wrong``    what a handler saw that must not be; raised there, it would be a failed attempt.
    """

    name: str
    moves: int = 0
    sent: dict[int, Sent] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    done: Counter[int] = field(default_factory=Counter)
    calls: Counter[int] = field(default_factory=Counter)
    failures: Counter[int] = field(default_factory=Counter)
    alone: Counter[int] = field(default_factory=Counter)
    running: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def publish(self, number: int, key: str | None, plan: str) -> None:
        """Add a message at the end."""
        self.sent[number] = Sent(number, key, plan, self.moves)

    def is_over(self, sent: Sent) -> bool:
        """Return whether the next message of the key may be handled."""
        deadly = DEADLY.get(sent.plan)
        return self.done[sent.number] > 0 or (
            deadly is not None and self.alone[sent.number] >= deadly
        )

    def enter(self, numbers: list[int], attempts: list[int]) -> None:
        """Note that a call with these messages begins, and what is wrong about it."""
        for number, attempt in zip(numbers, attempts, strict=True):
            sent = self.sent.get(number)

            if sent is None:
                why = "was settled" if number in self.settled else "is not this group's"
                self.wrong.append(f"{self.name}: {number} {why}")
                continue

            self._check_order(sent, numbers[: numbers.index(number)])
            self._check_attempt(sent, attempt)

        keys = [self.sent[each].key for each in numbers if each in self.sent]
        self.calls.update(numbers)
        self.running.update(key for key in keys if key is not None)

    def _check_order(self, sent: Sent, beside: list[int]) -> None:
        if sent.key is None:
            return

        if sent.key in self.running:
            self.wrong.append(f"{self.name}: {sent} is handled beside another one of its key")

        for each in self.sent.values():
            if each.number == sent.number:
                return

            early = each.key == sent.key and not self.is_over(each) and each.number not in beside

            if early and not self.calls[sent.number]:
                self.wrong.append(f"{self.name}: {sent} came before {each} was over")

    def _check_attempt(self, sent: Sent, attempt: int) -> None:
        if sent.moves == self.moves and attempt != self.failures[sent.number] + 1:
            self.wrong.append(f"{self.name}: attempt {attempt} of {sent}")

    def leave(self, numbers: list[int]) -> None:
        """Note that a call with these messages ended, well or not."""
        self.running.difference_update(
            key for each in numbers if each in self.sent and (key := self.sent[each].key)
        )

    def fail(self, numbers: list[int]) -> None:
        """Note that a call failed so that it counts."""
        self.failures.update(numbers)

        if len(numbers) == 1:
            self.alone.update(numbers)

    def settle(self, letters: Counter[tuple[str, int]]) -> list[str]:
        """Return what is wrong with the messages now that nothing is left to do; forget them."""
        wrong = self.wrong + [self._verdict(each, letters) for each in self.sent.values()]
        self.settled.update(self.sent)
        self.sent.clear()
        self.wrong = []
        return [each for each in wrong if each]

    def _verdict(self, sent: Sent, letters: Counter[tuple[str, int]]) -> str:
        done, dead = self.done[sent.number], letters[self.name, sent.number]
        most = 1 + self.moves - sent.moves
        expected: Any = (0, most) if sent.plan in DEADLY else (most, 0)

        if 0 < done + dead and done <= expected[0] and dead <= expected[1]:
            return ""

        return f"{self.name}: {sent} was handled {done} times and is {dead} dead letters"
