"""No benchmark is forgotten, and what they ask for adds up."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from ._loading import FOLDER, benchmark

catalogue = benchmark("_catalogue")
machine = benchmark("_machine")
question = benchmark("_question")
report = benchmark("_report")
verdict = benchmark("_verdict")


def unlisted(files: list[str], listed: set[str]) -> list[str]:
    """Name the files with a question, or a fact, that the catalogue does not ask."""
    return [name for name in files if not name.startswith("_") if not asked_by(name) <= listed]


def asked_by(name: str) -> set[str]:
    """Return what a file asks, which is something."""
    module = benchmark(name)
    asked = {each.name for kind in ("QUESTIONS", "FACTS") for each in getattr(module, kind, ())}
    assert asked, name
    return asked


def test_an_unlisted_file_is_found() -> None:
    """A file whose questions are not in the catalogue is named; helpers are not."""
    assert unlisted(["codec", "_rounds"], {"codec-plain"}) == ["codec"]


def test_every_file_is_listed() -> None:
    """What stands in the folder is asked by ``make bench``."""
    files = sorted(path.stem for path in FOLDER.glob("*.py"))

    assert len([name for name in files if not name.startswith("_")]) >= 7
    names = {each.name for each in (*catalogue.QUESTIONS, *catalogue.FACTS)}
    assert not unlisted(files, names)


def test_names_are_unique() -> None:
    """Each can be selected alone."""
    names = [each.name for each in (*catalogue.QUESTIONS, *catalogue.FACTS)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("asked", catalogue.QUESTIONS, ids=lambda asked: str(asked.name))
def test_targets_are_of_contenders(asked: Any) -> None:
    """A target for somebody who does not take part would never be looked at."""
    names = [each.name for each in asked.contenders]

    assert names.count(question.OURS) == 1
    assert set(asked.targets) <= {each.name for each in asked.peers}
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("size", ["codec-size-probes", "codec-size-plain", "codec-size-rich"]),
        ("plain", ["codec-size-plain"]),
        ("codec-*-rich", ["codec-size-rich"]),
        ("codec-?", []),
    ],
)
def test_a_pattern_selects(pattern: str, found: list[str]) -> None:
    """A part of the name, or a wildcard for the whole of it."""
    assert [each.name for each in catalogue.selected(catalogue.FACTS, pattern)] == found
    assert catalogue.selected(catalogue.FACTS, "") == list(catalogue.FACTS)


def test_a_report_says_what_was_found() -> None:
    """The tables and the JSON carry target, measured ratio and verdict."""
    spread = verdict.spread([2.5])
    answers = report.Answers(
        machine=machine.describe(),
        rounds=5,
        asks={"q": "which?"},
        comparisons=[verdict.Comparison(question="q", peer="p", ratio=spread, target=3.0)],
        stalls=[verdict.Stall(question="q", wall=0.002, cpu=0.001, noise=0.003)],
    )

    row = "| q | p | ≥ 3x | 2.50x | 2.50 – 2.50 |  |  |  | short |"
    assert row in report.as_markdown(answers)
    assert "| q | ≤ 5 ms | 1.00 ms | 2.00 ms | 3.00 ms | met |" in report.as_markdown(answers)
    assert "2.50x" in report.as_text(answers)
    told = json.loads(report.as_json(answers))
    assert told["comparisons"][0]["met"] is False
    assert told["comparisons"][0]["ratio"] == dataclasses.asdict(spread)


def test_a_latency_is_shown_in_microseconds() -> None:
    """A reader of latencies does not want to divide by them."""
    found = verdict.compare(
        "q",
        "p",
        [verdict.Sample(wall=0.0001, cpu=1)],
        [verdict.Sample(wall=0.0002, cpu=1)],
        latency=True,
    )
    answers = report.Answers(machine={}, rounds=5, asks={}, comparisons=[found], stalls=[])

    assert "| q | p |  | 2.00x | 2.00 – 2.00 |  | 100 µs | 200 µs |  |" in report.as_markdown(
        answers
    )


def test_sizes_are_shown_in_their_unit() -> None:
    """A ratio of memory says little without the amounts."""
    found = verdict.Comparison(
        question="q", peer="p", ratio=verdict.spread([2.0]), ours=80.5, theirs=40.25, unit="MiB"
    )
    answers = report.Answers(machine={}, rounds=5, asks={}, comparisons=[found], stalls=[])

    assert "| q | p |  | 2.00x | 2.00 – 2.00 |  | 80.5 MiB | 40.25 MiB |  |" in report.as_markdown(
        answers
    )


def test_the_machine_is_not_named() -> None:
    """Cores and versions are told; no host, no user, no path."""
    told = machine.describe()

    assert set(told) >= {"cores", "Python", "SQLite", "cashews"}
    assert not any("/" in value for value in told.values())
