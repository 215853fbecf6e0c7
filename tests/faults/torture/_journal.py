"""What every row was promised: by whom it was written, in which transaction, and how that ended."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from infrastructure import InfrastructureError

from ._plan import SEED

__all__ = ["Findings", "Group", "Journal", "Level", "Unit"]

State = Literal["open", "ending", "committed", "gone", "unknown"]
_SHOWN = 20
Fate = Literal["must", "may", "never"]


class Findings:
    """What must not be, by its kind; empty after a run without a fault."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.counts: Counter[str] = Counter()

    def add(self, kind: str, text: object) -> None:
        """Note a violation."""
        self.counts[kind] += 1
        self.texts.append(f"{kind}: {text}")

    def none(self) -> None:
        """Fail where there is one."""
        told = "\n".join(self.texts[:_SHOWN])
        assert not self.texts, f"FAULT_SEED={SEED}: {dict(self.counts)}\n{told}"


@dataclass(frozen=True)
class Group:
    """Rows that are there together or not at all, and only where those of ``around`` are."""

    fate: Fate
    rows: list[int]
    unit: Unit
    around: Group | None = None


class Level:
    """A transaction, or a savepoint in it, as its user knows it.

    ``rows``    that were acknowledged in it.
    ``tried``   those that were not.
    ``ended``   it has come to its ``state`` by now.
    ``doomed``  the database refused a statement of it: it must not be committed.
    ``astray``  a ``begin_transaction`` in it may be open still.
    """

    def __init__(self, unit: Unit, parent: Level | None) -> None:
        self.unit = unit
        self.parent = parent
        self._state: State = "open"
        self.rows: list[int] = []
        self.tried: set[int] = set()
        self.inner: list[Level] = []
        self.ended = False
        self.doomed = False
        self.astray = False

    @property
    def state(self) -> State:
        """What it comes to, as far as its user knows."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        self.unit.changed(self.unit)

    @property
    def is_over(self) -> bool:
        """Whether its user knows that it has ended, or one around it."""
        return self.ended or (self.parent is not None and self.parent.is_over)

    def end_by(self, error: BaseException) -> None:
        """Note that it ended by an error; what its commit did is known from ``outcome``, if at all."""
        unknown = isinstance(error, (asyncio.CancelledError, TimeoutError))

        if isinstance(error, InfrastructureError):
            unknown = error.outcome == "unknown"

        self.unit.note(f"{self.state} -> {error!r}, {getattr(error, 'outcome', '')}")
        self.ended = True
        self.state = "unknown" if self.state == "ending" and unknown else "gone"

    def groups(self, around: Group | None = None) -> list[Group]:
        """Return the rows of it and of the levels inside it, with what became of them."""
        # Of a statement that failed nothing is left: where it was begun, its level ends with it.
        groups = [Group("never", sorted(self.tried), self.unit)]
        own = around if self.state == "committed" else None

        if own is None:
            own = Group(self._fate(around), [], self.unit, around)
            groups.append(own)

        own.rows.extend(self.rows)

        for level in self.inner:
            groups += level.groups(own)

        return groups

    def _fate(self, around: Group | None) -> Fate:
        if self.state in ("gone", "open") or (around and around.fate == "never"):
            return "never"

        return "must" if self.state == "committed" else "may"


def _nobody(_unit: Unit) -> None:
    """Nobody hears of it."""


@dataclass(eq=False)
class Unit:
    """What is one transaction of the database: one of the user's, or one statement by itself."""

    number: int
    alone: bool
    changed: Callable[[Unit], None] = _nobody
    root: Level = field(init=False)
    marked: bool = False
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = Level(self, None)

    def note(self, text: str) -> None:
        """Remember what happened, for the text of a finding."""
        self.story.append(f"{time.monotonic():.3f} {text:.300}")

    def told(self) -> dict[str, Any]:
        """Return what can be written down of it."""
        groups = [group for group in self.root.groups() if group.rows]
        return {"number": self.number, "groups": [(g.fate, g.rows) for g in groups]}


class Journal:
    """All units of a run; ``events`` counts what disturbed it, ``counts`` the calls and their errors.

    ``changed`` hears of each unit of which something else is promised.
    """

    def __init__(self, changed: Callable[[Unit], None] = _nobody) -> None:
        self._changed = changed
        self.units: dict[int, Unit] = {}
        self.counts: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.newest: tuple[int, int] | None = None
        """A row that must be there, and its unit."""
        self._rows = itertools.count(1)

    def report(self, record: Callable[[str, object], None]) -> None:
        """Tell what was done and what was promised."""
        fates = Counter(
            group.fate for unit in self.units.values() for group in unit.root.groups() if group.rows
        )
        record("seed", SEED)
        record("events", self.events.total())

        for name, count in [*sorted(self.events.items()), *sorted(self.counts.items())]:
            record(name, count)

        for fate, count in fates.items():
            record(f"rows that {fate} be there, groups of them", count)

    def row(self) -> int:
        """Return a number for a new row."""
        return next(self._rows)

    def begin(self, parent: Level | None = None) -> Level:
        """Note that a user begins a transaction, or a savepoint in one."""
        if parent is None:
            return self._unit(alone=False).root

        level = Level(parent.unit, parent)
        parent.inner.append(level)
        return level

    def alone(self, rows: list[int]) -> Level:
        """Note that a statement is to write rows by itself."""
        level = self._unit(alone=True).root
        level.rows, level.state = rows, "ending"
        return level

    def _unit(self, *, alone: bool) -> Unit:
        unit = self.units[len(self.units) + 1] = Unit(len(self.units) + 1, alone, self._changed)
        return unit
