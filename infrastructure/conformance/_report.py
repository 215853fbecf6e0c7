"""All checks of a suite against one backend, and what is told of it afterwards."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..interfaces import ConfigurationError
from ._check import Check
from ._harness import Harness, declares, wanted
from ._run import Result, Status, run_check
from ._suites import Interface, Suite, suite_of

__all__ = ["Report", "prove"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the suite found.

    ``backend``   the name under which it was run.
    ``features``  every feature of the interface: ``""`` where it is declared, else why it is not.
    """

    interface: Interface
    backend: str
    level: str
    features: Mapping[str, str]
    results: tuple[Result, ...]

    def of(self, status: Status) -> list[Result]:
        """Return the results of one status."""
        return [result for result in self.results if result.status == status]

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
            "features": {
                name: {"declared": not reason, "reason": reason}
                for name, reason in self.features.items()
            },
            "checks": [
                {
                    "name": result.check.name,
                    "line": result.check.line,
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
    limit: float = 60.0,
    on_result: Callable[[Result, int, int], None] = lambda *_: None,
) -> Report:
    """Run every check that applies to what the harness declares, one after another.

    ``only`` picks among them; ``on_result`` is called with each result, its number from 1
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
        if wanted(check, harness):
            result = run_check(check, make_harness, limit=limit)
        else:
            result = Result(check=check, status="not asked", reason=_not_asked(check, harness))

        results.append(result)
        on_result(result, number, len(checks))

    return Report(
        interface=suite.interface,
        backend=backend,
        level=harness.level,
        features=_declared(suite, harness),
        results=tuple(results),
    )


def _declared(suite: Suite, harness: Harness[Any]) -> dict[str, str]:
    return {
        feature: "" if declares(harness, feature) else _why_missing(feature, harness)
        for feature in suite.features
    }


def _why_missing(feature: str, harness: Harness[Any]) -> str:
    return harness.missing.get(feature, "not declared (level core)")


def _not_asked(check: Check, harness: Harness[Any]) -> str:
    if check.feature is not None and not declares(harness, check.feature):
        return f"{check.feature}: {_why_missing(check.feature, harness)}"

    return f"asked of a backend without {check.absent} only"
