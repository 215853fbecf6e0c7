"""The three suites, and which of them proves what a harness makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, Literal

from ..interfaces import ConfigurationError
from . import caching, messaging, storage
from ._check import Check
from ._harness import CachingHarness, Harness, MessagingHarness, StorageHarness

__all__ = ["SUITES", "Interface", "Suite", "suite_of"]

Interface = Literal["caching", "messaging", "storage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """The checks of one interface, the features they ask for, and what makes its backends.

    ``fault_features``  what only checks of the kind ``fault`` ask for.
    """

    interface: Interface
    harness: type[Harness[Any]]
    checks: tuple[Check, ...]
    features: Mapping[str, str]
    fault_features: Mapping[str, str] = field(default_factory=dict)


SUITES: Final[tuple[Suite, ...]] = (
    Suite(
        interface="caching",
        harness=CachingHarness,
        checks=caching.CHECKS,
        features=caching.FEATURES,
        fault_features=caching.FAULT_FEATURES,
    ),
    Suite(
        interface="messaging",
        harness=MessagingHarness,
        checks=messaging.CHECKS,
        features=messaging.FEATURES,
        fault_features=messaging.FAULT_FEATURES,
    ),
    Suite(
        interface="storage",
        harness=StorageHarness,
        checks=storage.CHECKS,
        features=storage.FEATURES,
        fault_features=storage.FAULT_FEATURES,
    ),
)


def suite_of(harness: Harness[Any] | type[Harness[Any]]) -> Suite:
    """Return the suite of what ``harness`` makes.

    Raises ``ConfigurationError`` where it makes none of the three, or declares a level or
    a feature that nobody knows: a misspelt feature would switch nothing on or off.
    """
    cls = harness if isinstance(harness, type) else type(harness)

    for suite in SUITES:
        if issubclass(cls, suite.harness):
            _refuse_unknown(suite, harness, cls.__name__)
            return suite

    names = ", ".join(suite.harness.__name__ for suite in SUITES)
    msg = f"{cls.__name__} is no harness: it inherits none of {names}"
    raise ConfigurationError(msg)


def _refuse_unknown(suite: Suite, harness: Harness[Any] | type[Harness[Any]], name: str) -> None:
    if harness.level not in ("core", "full"):
        msg = f"{name} declares the level {harness.level!r}; there are 'core' and 'full'"
        raise ConfigurationError(msg)

    known = [*suite.features, *suite.fault_features]

    for feature in [*harness.features, *harness.missing]:
        if feature not in known:
            near = get_close_matches(feature, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            msg = f"{name}: a {suite.interface} has no feature {feature!r}; {hint}"
            raise ConfigurationError(msg)

    if harness.level == "core" and harness.missing:
        msg = f"{name}: level core lacks every feature; list what it has in features"
        raise ConfigurationError(msg)

    if harness.level == "full" and harness.features:
        msg = f"{name}: level full has every feature; list what it lacks in missing"
        raise ConfigurationError(msg)
