"""What a check is: an async function that takes a harness and raises where a promise is broken."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

__all__ = ["Check", "Kind", "check", "checks_of"]

Kind = Literal["conformance", "fault"]
Run = Callable[[Any], Awaitable[None]]

_NAME = re.compile(r"([CEGMS]\d{1,2})_\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One promise of one line of the contract.

    ``feature``  only a backend that declares it is asked; ``None``: every backend is.
    ``absent``   the feature without which the documented error must come instead.
    """

    line: str
    name: str
    text: str
    kind: Kind
    feature: str | None
    absent: str | None
    run: Run


def check(
    *, feature: str | None = None, absent: str | None = None, kind: Kind = "conformance"
) -> Callable[[Run], Check]:
    """Make a check of an async function named by line and promise (``C5_ttl_is_rounded_up``)."""

    def make(run: Run) -> Check:
        name = getattr(run, "__name__", "")
        match = _NAME.fullmatch(name)

        if match is None or not run.__doc__:
            msg = f"a check is named like C5_what_it_promises and has a docstring, got {name}"
            raise ValueError(msg)

        return Check(
            line=match[1],
            name=name,
            text=run.__doc__.strip().partition("\n")[0],
            kind=kind,
            feature=feature,
            absent=absent,
            run=run,
        )

    return make


def checks_of(*modules: ModuleType) -> tuple[Check, ...]:
    """Return the checks of ``modules`` in the order of their definition."""
    return tuple(
        value for module in modules for value in vars(module).values() if isinstance(value, Check)
    )
