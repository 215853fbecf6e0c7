"""What the tasks of a torture do, and how they are disturbed: drawn from a seed before anything runs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from .._timing import draw_seed

__all__ = ["EVENTS", "SEED", "Moment", "Step", "plan_of"]

SEED = draw_seed()
"""Of this run: every storage is put through the same plan."""

WORKERS = 12
_DEPTH = 3
_TURNS = (0, 1, 1, 2, 2, 3, 3, 4, 5, 8, 20)
_ENDINGS = ("commit", "commit", "commit", "commit", "roll back", "cut in COMMIT")
_IN_TASK = ("timeout", "deadline")
_IN_OTHER_TASK = ("wait_for", "cancel", "cancel twice", "cancel on and on", "cancel at")

EVENTS = frozenset(
    {
        *_IN_TASK, *_IN_OTHER_TASK, "duplicate key", "syntax error", "wrong count", "stream left",
        "gather", "task group", "detached", "late task", "begun by another task", "crowd",
        "session state", "roll back", "cut in COMMIT", "commit in wait_for", "left open",
    }
)  # fmt: skip
"""Whatever else a step is (a write, a read, a transaction) is what is disturbed."""


@dataclass(frozen=True)
class Moment:
    """When something happens: after so many turns of the loop, or so many seconds."""

    turns: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that a task does.

    ``steps``     are inside it.
    ``hazard``    how it is disturbed, at ``moment``.
    ``ending``    of a transaction.
    ``number``    rows, or whatever its kind counts.
    ``careless``  after an error in it the next one is tried all the same.
    """

    kind: str
    steps: tuple[Step, ...] = ()
    hazard: str = ""
    moment: Moment = field(default_factory=Moment)
    ending: str = ""
    number: int = 0
    careless: bool = False

    def holds(self, *names: str) -> bool:
        """Return whether one of these is in it."""
        return (
            not {self.kind, self.hazard, self.ending}.isdisjoint(names)
            or any(step.holds(*names) for step in self.steps)
        )  # fmt: skip


def plan_of(seed: int) -> list[Iterator[Step]]:
    """Return what each task does, without end."""
    return [_deeds(_Draw(random.Random(f"{seed}/{number}"))) for number in range(WORKERS)]


def _deeds(draw: _Draw) -> Iterator[Step]:
    while True:
        yield draw.deed()


class _Draw:
    """``own`` below: whether the step runs in the task that its transaction belongs to."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def deed(self) -> Step:
        """Return what a task does outside a transaction."""
        kinds = {"leaf": 8, "block": 8, "flat": 5, "gather": 1, "crowd": 0.4, "unmarked": 1}
        kind = self._pick(kinds)

        if kind == "leaf":
            step = self._leaf(inside=False)
        elif kind == "gather":
            step = self._several("gather", _DEPTH - 1, inside=False)
        elif kind in ("block", "flat"):
            step = self._transaction(kind, 0, last=True)
        else:
            step = Step(kind=kind, number=self._rng.randint(6, 14))

        return self._disturbed(step, 0.4, _IN_TASK + _IN_OTHER_TASK)

    def _pick(self, kinds: dict[str, float]) -> str:
        return self._rng.choices(list(kinds), list(kinds.values()))[0]

    def _disturbed(self, step: Step, chance: float, hazards: Sequence[str]) -> Step:
        if self._rng.random() >= chance:
            return step

        hazard = self._rng.choice(hazards)
        return replace(step, hazard=hazard, moment=self._moment(hazard in _IN_TASK))

    def _moment(self, timed: bool = False) -> Moment:
        if timed or self._rng.random() < 0.4:
            return Moment(seconds=self._rng.choice((0.001, 0.005, 0.03)) * self._rng.random())

        return Moment(turns=self._rng.choice(_TURNS))

    def _leaf(self, *, inside: bool) -> Step:
        kinds = {
            "write": 10, "many": 3, "read": 5, "stream": 1, "stream left": 0.5, "pause": 2,
            "duplicate key": 0.4, "syntax error": 0.2, "wrong count": 0.3,
        }  # fmt: skip
        inner = {"session state": 0.6, "late task": 0.6, "begun by another task": 0.3}
        kind = self._pick({**kinds, **inner} if inside else kinds)
        number = self._rng.randint(2, 80 if kind == "many" else 9)
        return Step(kind=kind, number=number, moment=self._moment())

    def _several(self, kind: str, depth: int, *, inside: bool) -> Step:
        """Return steps that other tasks do, or those of a detached scope."""
        count = self._rng.randint(2, 4)
        steps = tuple(self._step(depth, inside=inside, own=False) for _ in range(count))
        return Step(kind=kind, steps=steps, careless=True)

    def _transaction(self, kind: str, depth: int, *, last: bool) -> Step:
        own = kind == "flat" or self._rng.random() < 0.9
        count = self._rng.randint(1, 5 - depth)
        steps = tuple(self._step(depth + 1, inside=True, own=own) for _ in range(count))
        endings = _ENDINGS + (("commit in wait_for",) if kind == "flat" else ())
        # A flat one that stays open takes the commit of the one around it.
        endings += ("left open",) if kind == "flat" and last else ()
        return Step(
            kind=kind,
            steps=steps,
            ending=self._rng.choice(endings),
            moment=self._moment(),
            careless=self._rng.random() < 0.5,
        )

    def _step(self, depth: int, *, inside: bool, own: bool) -> Step:
        """Return a step inside something else."""
        kinds: dict[str, float] = {"leaf": 8}

        if depth < _DEPTH:
            kinds |= {"block": 2}
            kinds |= {"flat": 1} if own else {}
            kinds |= {"gather": 0.8, "task group": 0.6, "detached": 0.6} if inside else {}

        kind = self._pick(kinds)
        chance, hazards = 0.12, _IN_TASK + (() if kind == "flat" else _IN_OTHER_TASK)

        if kind == "leaf":
            step = self._leaf(inside=inside)
        elif kind in ("block", "flat"):
            step = self._transaction(kind, depth, last=False)
        else:
            step = self._several(kind, depth + 1, inside=inside and kind != "detached")

        return self._disturbed(step, chance, hazards)
