"""All checks of a suite against one backend, and what is told of it afterwards."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..interfaces import ConfigurationError
from ._check import Check
from ._harness import Harness, declares, wanted
from ._run import Result, Status, run_check
from ._suites import Interface, Suite, suite_of

__all__ = ["BY_FLAG", "Report", "prove"]

BY_FLAG: Final = "a fault check: --faults asks it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the suite found.

    ``backend``   the name under which it was run.
    ``features``  every feature of the interface: ``""`` where it is declared, else why it is not;
                  those that only fault checks ask for when these were tried.
    ``faults``    whether checks of the kind ``fault`` were tried.
    ``unbroken``  why the harness has nothing that breaks its backend; ``""``: it has.
    """

    interface: Interface
    backend: str
    level: str
    features: Mapping[str, str]
    results: tuple[Result, ...]
    faults: bool = False
    unbroken: str = ""

    def of(self, status: Status) -> list[Result]:
        """Return the results of one status."""
        return [result for result in self.results if result.status == status]

    def without_faults(self) -> list[Result]:
        """Return the results of the fault checks that this harness cannot be asked."""
        return [one for one in self.results if self.unbroken and one.check.kind == "fault"]

    @property
    def passed(self) -> bool:
        """Whether something was asked and nothing failed."""
        return bool(self.of("passed")) and not self.of("failed")

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON carries."""
        return {
            "interface": self.interface,
            "backend": self.backend,
            "level": self.level,
            "python": platform.python_version(),
            "faults": self.faults,
            "unbroken": self.unbroken,
            "features": {
                name: {"declared": not reason, "reason": reason}
                for name, reason in self.features.items()
            },
            "checks": [
                {
                    "name": result.check.name,
                    "line": result.check.line,
                    "kind": result.check.kind,
                    "text": result.check.text,
                    "status": result.status,
                    "seconds": round(result.seconds, 3),
                    "reason": result.reason,
                    "where": result.where,
                    "logged": list(result.logged),
                }
                for result in self.results
            ],
        }


def prove(
    make_harness: Callable[[], Harness[Any]],
    *,
    backend: str,
    only: Callable[[Check], bool] = lambda _: True,
    faults: bool = False,
    limit: float = 60.0,
    on_result: Callable[[Result, int, int], None] = lambda *_: None,
) -> Report:
    """Run every check that applies to what the harness declares, one after another.

    ``only`` picks among them; ``faults`` tries those of the kind ``fault`` too, where the harness
    has what breaks things; ``on_result`` is called with each result, its number from 1
    and how many there are. Raises ``ConfigurationError`` where the harness declares what
    nobody knows, or ``only`` picks none. Must not be called from inside a running event loop.
    """
    harness = make_harness()
    suite = suite_of(harness)
    checks = [check for check in suite.checks if only(check)]

    if not checks:
        msg = f"no check of a {suite.interface} was picked"
        raise ConfigurationError(msg)

    results = []

    for number, check in enumerate(checks, 1):
        if wanted(check, harness, faults=faults):
            result = run_check(check, make_harness, limit=limit)
        else:
            result = Result(
                check=check, status="not asked", reason=_not_asked(check, harness, faults)
            )

        results.append(result)
        on_result(result, number, len(checks))

    return Report(
        interface=suite.interface,
        backend=backend,
        level=harness.level,
        features=_declared(suite, harness, faults),
        results=tuple(results),
        faults=faults,
        unbroken=harness.without_faults if harness.faults is None else "",
    )


def _declared(suite: Suite, harness: Harness[Any], faults: bool) -> dict[str, str]:
    tried = suite.fault_features if faults and harness.faults is not None else {}
    return {feature: _why_missing(feature, harness) for feature in [*suite.features, *tried]}


def _why_missing(feature: str, harness: Harness[Any]) -> str:
    if declares(harness, feature):
        return ""

    return harness.missing.get(feature, "not declared (level core)")


def _not_asked(check: Check, harness: Harness[Any], faults: bool) -> str:
    if check.kind == "fault" and harness.faults is None:
        return f"a fault check: {harness.without_faults}"

    if check.kind == "fault" and not faults:
        return BY_FLAG

    if check.feature is not None and not declares(harness, check.feature):
        return f"{check.feature}: {_why_missing(check.feature, harness)}"

    return f"asked of a backend without {check.absent} only"
