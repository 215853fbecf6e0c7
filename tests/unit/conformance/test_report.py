"""What is told of a whole suite: counts, features, reasons."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from infrastructure.conformance import CachingHarness, Result, StorageHarness, prove, suite_of
from infrastructure.conformance.harnesses.sqlite import SQLiteHarness
from infrastructure.interfaces import ConfigurationError

from .samples import Plain


class Core(Plain):
    """The same cache, of which nothing beyond the core is asked."""

    level = "core"


class Less(Plain):
    """Lacks something, with a reason."""

    missing = MappingProxyType({"loop_owner": "any loop will do"})


def test_every_result_is_told_as_it_comes() -> None:
    """With its number and how many there are."""
    seen: list[tuple[str, int, int]] = []

    def note(result: Result, number: int, total: int) -> None:
        seen.append((result.check.line, number, total))

    report = prove(Plain, backend="ours", only=lambda check: check.line == "C6", on_result=note)
    assert report.passed
    assert [number for _, number, _ in seen] == list(range(1, len(seen) + 1))
    assert {(line, total) for line, _, total in seen} == {("C6", len(seen))}


def test_what_is_not_asked_has_a_reason() -> None:
    """The harness's own, or that the core is all that was declared."""
    for harness, reason in (
        (Less, "loop_owner: any loop will do"),
        (Core, "loop_owner: not declared (level core)"),
    ):
        report = prove(
            harness, backend="ours", only=lambda check: "another_event_loop" in check.name
        )
        assert [result.reason for result in report.of("not asked")] == [reason]
        assert not report.passed, "nothing was asked"


class Modest(SQLiteHarness):
    """A backend of level core that does not say all that it has."""

    level = "core"
    missing = MappingProxyType({})


def test_what_is_there_and_not_declared_is_told_so() -> None:
    """Not only that an error was expected, but what to do."""
    report = prove(Modest, backend="ours", only=lambda c: c.absent == "detached")
    (result,) = report.of("failed")
    assert result.reason.endswith(
        "expected ConfigurationError\n"
        "'detached' is not declared: where the backend has it, the harness says so"
    )


def test_a_check_of_something_absent_is_not_asked_where_it_is_there() -> None:
    """SQLite has detached(): that it is missing is nothing to be proved."""
    report = prove(SQLiteHarness, backend="ours", only=lambda c: c.absent == "detached")
    (result,) = report.results
    assert result.reason == "asked of a backend without detached only"


def test_it_is_what_json_carries() -> None:
    """Every feature, and the reason where it is not declared."""
    report = prove(Less, backend="ours", only=lambda check: check.line == "C3")
    data = json.loads(json.dumps(report.as_dict()))
    assert (data["interface"], data["backend"], data["level"]) == ("caching", "ours", "full")
    assert data["features"]["loop_owner"] == {"declared": False, "reason": "any loop will do"}
    assert {check["status"] for check in data["checks"]} == {"passed"}


def test_nothing_picked_is_an_error() -> None:
    """A misspelt name would prove nothing, silently."""
    with pytest.raises(ConfigurationError, match="no check of a caching was picked"):
        prove(Plain, backend="ours", only=lambda _: False)


class BadLevel(CachingHarness):
    level = "complete"  # type: ignore[assignment]


class BadFeature(StorageHarness):
    missing = MappingProxyType({"qqqq": "why"})


class NearFeature(StorageHarness):
    missing = MappingProxyType({"savepoint": "why"})


class CoreThatLacks(CachingHarness):
    level = "core"
    missing = MappingProxyType({"batch": "why"})


class FullWithFeatures(CachingHarness):
    features = ("batch",)


@pytest.mark.parametrize(
    ("harness", "text"),
    [
        (BadLevel, "declares the level 'complete'; there are 'core' and 'full'"),
        (BadFeature, "a storage has no feature 'qqqq'; there are: savepoints, "),
        (NearFeature, "did you mean 'savepoints'?"),
        (CoreThatLacks, "level core lacks every feature; list what it has in features"),
        (FullWithFeatures, "level full has every feature; list what it lacks in missing"),
        (dict, "dict is no harness: it inherits none of CachingHarness, "),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(harness: type, text: str) -> None:
    """It would switch no check on or off, and nobody would notice."""
    with pytest.raises(ConfigurationError) as caught:
        suite_of(harness)

    assert text in str(caught.value)
