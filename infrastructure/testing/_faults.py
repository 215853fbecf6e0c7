"""What is wrong with one direction of a proxy's traffic, and how much went through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

from ..interfaces.exceptions import ValidationError

__all__ = [
    "Counting",
    "Direction",
    "Ending",
    "Faults",
    "Flip",
    "Truncation",
    "check_choice",
    "check_count",
]

Direction = Literal["to_server", "to_client", "both"]
"""Where the bytes go: from the client to the server, back, or either way."""

Ending = Literal["cut", "reset"]
"""How a connection ends: ``cut`` by an orderly FIN, ``reset`` by a RST."""

Counting = Literal["now", "next"]
"""From where bytes are counted: in each open connection from ``now`` on, or in the ``next``
connection from its first byte."""

T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True)
class Truncation:
    """End the connection when ``after`` bytes went through."""

    after: int
    ending: Ending


@dataclass(frozen=True, slots=True)
class Flip:
    """Invert ``bit`` (0 is the lowest) of the byte number ``at`` (0 is the first)."""

    at: int
    bit: int


@dataclass(slots=True)
class Faults:
    """The faults of one direction, shared by all connections."""

    black_hole: bool = False
    delay: float = 0.0
    split: int | None = None
    # For the next connection; it takes them with it.
    marks: list[Truncation | Flip] = field(default_factory=list)
    forwarded: int = 0

    def heal(self) -> None:
        """End all of them; what went through stays counted."""
        self.black_hole, self.delay, self.split = False, 0.0, None
        self.marks.clear()

    def take_marks(self) -> list[Truncation | Flip]:
        """Return what was asked for the next connection, which is here."""
        taken, self.marks = self.marks, []
        return taken

    def __str__(self) -> str:
        told = {
            "black hole": self.black_hole,
            f"delay {self.delay:g} s": self.delay,
            f"split {self.split}": self.split,
            f"{len(self.marks)} for the next connection": self.marks,
        }
        return ", ".join(text for text, holds in told.items() if holds)


def check_choice(name: str, value: T, choices: object) -> T:
    """Return ``value`` when it is one of the literal type ``choices``."""
    if value not in get_args(choices):
        allowed = ", ".join(map(repr, get_args(choices)))
        msg = f"{name} is one of {allowed}, got {value!r}"
        raise ValidationError(msg)

    return value


def check_count(name: str, value: int, least: int, most: int | None = None) -> int:
    """Return ``value`` when it is an ``int`` from ``least`` to ``most``."""
    if type(value) is not int or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        msg = f"{name} is an int {bounds}, got {value!r}"
        raise ValidationError(msg)

    return value
