"""Asks every question, or those of a pattern, and writes down what was found."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from ._beacon import longest_stall
from ._catalogue import FACTS, QUESTIONS, selected
from ._machine import describe
from ._merge import from_json, merged
from ._plot import draw
from ._question import Fact, Question
from ._report import Answers, as_json, as_markdown, as_text
from ._rounds import answer
from ._verdict import Comparison, spread

_RESULTS = Path(__file__).parent / "results"
_JSON = _RESULTS / "results.json"
_LEAST_ROUNDS = 5
_NAMES = [each.name for each in (*QUESTIONS, *FACTS)]

Found = TypeVar("Found")


def main() -> int:
    """Run; results are written when everything was asked, or where it is said."""
    arguments = _arguments()
    questions = selected(QUESTIONS, arguments.only)
    facts = selected(FACTS, arguments.only)

    if not questions and not facts:
        there = f"there are: {', '.join(_NAMES)}"
        print(f"no question matches {arguments.only!r}; {there}", file=sys.stderr)
        return 2

    answers = _ask(questions, facts, arguments.rounds)
    _progress("")
    print(as_text(answers))

    if not arguments.only:
        _write(answers)
    elif arguments.write:
        _write(merged(from_json(_JSON.read_text(encoding="utf-8")), answers, _NAMES))

    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="part of a name, or a wildcard")
    parser.add_argument("--rounds", type=_rounds, default=9, help=f"at least {_LEAST_ROUNDS}")
    parser.add_argument(
        "--write", action="store_true", help="put what was found in the place of earlier results"
    )
    return parser.parse_args()


def _rounds(text: str) -> int:
    rounds = int(text)

    if rounds < _LEAST_ROUNDS:
        msg = f"a median of fewer than {_LEAST_ROUNDS} rounds says little, got {rounds}"
        raise argparse.ArgumentTypeError(msg)

    return rounds


def _ask(questions: list[Question], facts: list[Fact], rounds: int) -> Answers:
    comparisons: list[Comparison] = []

    for question in questions:
        if question.peers:
            comparisons += _run(question, answer(question, rounds, _progress))

    stalls = []

    for question in questions:
        _progress(f"{question.name}: stalls")
        stalls.append(_run(question, longest_stall(question)))

    return Answers(
        machine=describe(),
        rounds=rounds,
        asks={each.name: each.asks for each in (*questions, *facts)},
        comparisons=[*comparisons, *map(_settle, facts)],
        stalls=stalls,
    )


def _run(question: Question, asking: Coroutine[Any, Any, Found]) -> Found:
    """Run it on the question's kind of event loop."""
    with asyncio.Runner(loop_factory=question.loop) as runner:
        return runner.run(asking)


def _settle(fact: Fact) -> Comparison:
    _progress(f"{fact.name}: {fact.peer}")
    ours, theirs = fact.measure()
    return Comparison(
        question=fact.name,
        peer=fact.peer,
        ratio=spread([ours / theirs]),
        ours=ours,
        theirs=theirs,
        target=fact.most,
        at_most=True,
        unit=fact.unit,
    )


def _write(answers: Answers) -> None:
    _RESULTS.mkdir(exist_ok=True)
    _JSON.write_text(as_json(answers), encoding="utf-8")
    (_RESULTS / "results.md").write_text(as_markdown(answers), encoding="utf-8")
    draw(answers.comparisons, _RESULTS / "ratios.svg")
    print("\nwritten to benchmarks/results")


def _progress(text: str) -> None:
    """Show what is done now: on one line of a terminal, line by line elsewhere."""
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="" if text else "\r", file=sys.stderr, flush=True)
    elif text:
        print(f"{time.strftime('%T')} {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
