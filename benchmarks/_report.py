"""Writes the answers down: as JSON, and as tables for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ._verdict import Comparison, Stall

__all__ = ["Answers", "as_json", "as_markdown", "as_text"]

_WORDS = {True: "met", False: "short", None: ""}
_RATIOS = ("question", "peer", "target", "measured", "quartiles", "by CPU", "ours", "peer's", "")
_STALLS = ("question", "target", "of work", "by the clock", "nothing ran", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """All that one run found; ``asks`` says by name what each question is."""

    machine: Mapping[str, str]
    rounds: int
    asks: Mapping[str, str]
    comparisons: Sequence[Comparison]
    stalls: Sequence[Stall]


def as_json(answers: Answers) -> str:
    """Return everything, for programs."""
    verdicts = {
        "comparisons": [{**asdict(each), "met": each.met} for each in answers.comparisons],
        "stalls": [{**asdict(each), "met": each.met} for each in answers.stalls],
    }
    return json.dumps({**asdict(answers), **verdicts}, indent=1) + "\n"


def as_markdown(answers: Answers) -> str:
    """Return the tables of ``results/results.md``."""
    machine = ", ".join(f"{name} {value}" for name, value in answers.machine.items())
    parts = [
        "# Results",
        f"Medians of {answers.rounds} interleaved rounds; how to read them: [README](README.md).",
        f"Machine and versions: {machine}.",
        "![ratio to the target](ratios.svg)",
        _pipes(_RATIOS, map(_ratio_cells, answers.comparisons)),
        "## The longest that ours held the event loop",
        _pipes(_STALLS, map(_stall_cells, answers.stalls)),
        "## What is asked",
        "\n".join(f"- `{name}`: {asks}" for name, asks in answers.asks.items()),
    ]
    return "\n\n".join(parts) + "\n"


def as_text(answers: Answers) -> str:
    """Return the tables for a terminal."""
    return "\n\n".join(
        (
            _columns(_RATIOS, map(_ratio_cells, answers.comparisons)),
            _columns(_STALLS, map(_stall_cells, answers.stalls)),
        )
    )


def _ratio_cells(each: Comparison) -> tuple[str, ...]:
    sign = "≤" if each.at_most else "≥"
    return (
        each.question,
        each.peer,
        "" if each.target is None else f"{sign} {each.target:g}x",
        f"{each.ratio.median:.2f}x",
        f"{each.ratio.low:.2f} – {each.ratio.high:.2f}",
        "" if each.cpu is None else f"{each.cpu:.2f}x",
        _amount(each, each.ours),
        _amount(each, each.theirs),
        _WORDS[each.met],
    )


def _stall_cells(each: Stall) -> tuple[str, ...]:
    times = map(_milliseconds, (each.cpu, each.wall, each.noise))
    return (each.question, f"≤ {each.target * 1000:g} ms", *times, _WORDS[each.met])


def _amount(each: Comparison, amount: float | None) -> str:
    if amount is None:
        return ""

    if each.unit:
        return f"{amount:,.4g} {each.unit}"

    return f"{1e6 / amount:,.0f} µs" if each.latency else f"{amount:,.0f}/s"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _pipes(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
