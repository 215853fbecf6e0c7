"""What a storage should hold: the committed state, and a stack of what each open level began with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infrastructure.interfaces import (
    InfrastructureError,
    IntegrityError,
    OperationError,
    TransactionError,
)

__all__ = ["Level", "Refused", "State", "StorageModel"]


class Refused(Exception):
    """A statement that the database refuses; ``lost``: it rolls the whole transaction back."""

    def __init__(self, error: type[InfrastructureError], *, lost: bool = False) -> None:
        self.error = error
        self.lost = lost


@dataclass
class State:
    """The rows of the table ``items``, and of ``extra``, of ``kind``, where that table is there."""

    items: dict[int, str] = field(default_factory=dict)
    extra: list[Any] | None = None
    kind: str = field(default="BIGINT", compare=False)

    def copy(self) -> State:
        """Return a state of its own."""
        extra = None if self.extra is None else list(self.extra)
        return State(dict(self.items), extra, self.kind)

    def insert(self, number: int, name: str | None, *, lost: bool = False) -> None:
        """Add a row; a second one of its number, and one without name, are refused."""
        if number in self.items or name is None:
            raise Refused(IntegrityError, lost=lost)

        self.items[number] = name

    def upsert(self, number: int, name: str | None) -> None:
        """Add a row, or change the name of the one that is there."""
        self.items.pop(number, None)
        self.insert(number, name)

    def rename(self, number: int, name: str | None) -> None:
        """Change the name of a row that is there."""
        if number in self.items:
            del self.items[number]
            self.insert(number, name)

    def need_extra(self) -> list[Any]:
        """Return the rows of ``extra``; where there is no such table, a statement is refused."""
        if self.extra is None:
            raise Refused(OperationError)

        return self.extra


@dataclass
class Level:
    """An open transaction or savepoint: what it began with, and the block it belongs to, if any."""

    before: State
    block: Any = None
    failed: bool = False


class StorageModel:
    """``visible`` is what the owner of the transaction sees, ``committed`` what all others do."""

    def __init__(self) -> None:
        self.committed = State()
        self.visible = State()
        self.stack: list[Level] = []
        self._gone = False

    @property
    def failed(self) -> bool:
        """Whether nothing but a rollback is left to do."""
        return bool(self.stack) and self.stack[-1].failed

    @property
    def holds_writer(self) -> bool:
        """Whether nobody else can write now."""
        return bool(self.stack) and not self._gone

    def outside(self, number: int, name: str) -> None:
        """Commit a row beside the open transaction, if any."""
        self.committed.insert(number, name)

        if not self.stack:
            self.visible = self.committed.copy()

    def attempt(self, change: Callable[[State], Any]) -> type[InfrastructureError] | None:
        """Apply ``change``, all of it or nothing; return the error that is to be expected."""
        if self.failed:
            return TransactionError

        state = self.visible.copy()

        try:
            change(state)
        except Refused as exc:
            self._fail(all_levels=exc.lost)
            return exc.error

        self.visible = state

        if not self.stack:
            self.committed = state.copy()

        return None

    def _fail(self, *, all_levels: bool) -> None:
        for level in self.stack if all_levels else self.stack[-1:]:
            level.failed = True

    def lose(self) -> None:
        """The connection is gone: every level has failed."""
        self._fail(all_levels=True)
        self.visible = self.committed.copy()
        self._gone = bool(self.stack)

    def begin(self, block: Any = None) -> type[InfrastructureError] | None:
        """Open a transaction or a savepoint."""
        if self.failed:
            return TransactionError

        self.stack.append(Level(self.visible.copy(), block))
        return None

    def commit(self) -> type[InfrastructureError] | None:
        """End the innermost level; a failed one is rolled back."""
        if self.failed:
            self.roll_back()
            return TransactionError

        self.stack.pop()

        if not self.stack:
            self.committed = self.visible.copy()

        return None

    def roll_back(self, levels: int = 1) -> None:
        """Take back what the innermost levels did."""
        for _ in range(levels):
            self.visible = self.stack.pop().before

        if not self.stack:
            self.visible = self.committed.copy()
            self._gone = False

    def flats(self) -> int:
        """Return how many levels the innermost block has inside it; all where there is none."""
        for count, level in enumerate(reversed(self.stack)):
            if level.block is not None:
                return count

        return len(self.stack)
