"""The checks let a correct minimal cache pass, and name what a wrong one breaks."""

from __future__ import annotations

import pytest

from infrastructure.conformance._check import Check
from infrastructure.conformance._harness import wanted
from infrastructure.conformance.caching import CHECKS

from .toy_caches import Aliases, IgnoresTtl, InheritsMixins, ToyHarness, UsesFnmatch


def _asked(harness: type[ToyHarness]) -> list[Check]:
    return [check for check in CHECKS if wanted(check, harness)]


async def _broken(harness: type[ToyHarness]) -> set[str]:
    broken = set()

    for check in _asked(harness):
        try:
            await check.run(harness())
        except AssertionError:
            broken.add(check.name)

    return broken


@pytest.mark.parametrize("check", _asked(ToyHarness), ids=lambda check: check.name)
async def test_a_minimal_cache_passes_the_core_checks(check: Check) -> None:
    """The abstract methods alone make a complete backend of level core."""
    await check.run(ToyHarness())


@pytest.mark.parametrize("check", _asked(InheritsMixins), ids=lambda check: check.name)
async def test_the_inherited_mixins_pass_their_checks(check: Check) -> None:
    """Batches and get_or_set work for whoever wrote the abstract methods only."""
    await check.run(InheritsMixins())


def test_the_core_is_not_the_whole() -> None:
    """The mixins are asked of those who declare them; the core checks are the smaller part."""
    asked = {check.line for check in _asked(InheritsMixins)}
    assert {"C8", "C9"} <= asked
    assert not {"C8", "C9"} & {check.line for check in _asked(ToyHarness)}


async def test_a_cache_that_ignores_ttl_is_caught() -> None:
    """Every check that lets time pass, and the one that reads the ttl back."""

    class Harness(ToyHarness):
        kind = IgnoresTtl

    assert await _broken(Harness) == {
        "C4_a_key_expires_after_its_ttl",
        "C4_each_key_expires_at_its_own_time",
        "C4_set_with_ttl_replaces_an_earlier_one",
        "C4_ttl_zero_removes_the_key",
        "C5_the_longest_ttl_is_kept",
        "C5_ttl_is_rounded_up",
    }


async def test_a_cache_that_aliases_values_is_caught() -> None:
    """What the caller changes later must not be what is stored."""

    class Harness(ToyHarness):
        kind = Aliases

    assert await _broken(Harness) == {
        "C2_later_changes_of_the_caller_are_not_stored",
        "C2_what_get_returns_is_the_callers_own",
    }


async def test_a_cache_that_scans_by_fnmatch_is_caught() -> None:
    """The standard library's patterns have no escapes, no ``[^a]``, and takes malformed patterns."""

    class Harness(ToyHarness):
        kind = UsesFnmatch

    assert await _broken(Harness) == {
        "C7_a_malformed_pattern_is_refused",
        "C7_classes_and_their_negation",
        "C7_escape_pattern_finds_exactly_its_text",
        "C7_patterns_count_characters_not_bytes",
        "E3_errors_say_something",
    }
