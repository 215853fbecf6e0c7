"""``infrastructure conform``: every check of a backend, with a progress bar and a report."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .._core.tasks import logger
from ..conformance import SUITES, Check, Harness, Report, Result, prove, suite_of
from ..conformance._report import BY_FLAG
from ..interfaces import InfrastructureError

__all__ = ["MakeHarness", "conform", "list_checks", "matches", "reach", "save"]

MakeHarness = Callable[[], Harness[Any]]

_LOG_LINES = 5
_QUIET = 10.0
"""Seconds after which who has no progress bar, as in a file, is told how far it got."""


def conform(
    console: Console,
    make_harness: MakeHarness,
    *,
    backend: str,
    pattern: str = "*",
    faults: bool = False,
    limit: float = 60.0,
) -> Report:
    """Prove one backend, show how it goes, then what was found."""
    told = time.monotonic()

    with _progress(console) as progress:
        bar = progress.add_task("", total=None)

        def show(result: Result, number: int, total: int) -> None:
            nonlocal told
            progress.update(bar, completed=number, total=total, description=result.check.line)

            if result.status == "failed":
                _print_failure(progress.console, result)

            if progress.disable and time.monotonic() - told > _QUIET:
                told = time.monotonic()
                progress.console.print(f"{number} of {total} checks", highlight=False)

        report = prove(
            make_harness,
            backend=backend,
            only=lambda check: fnmatchcase(check.name, pattern),
            faults=faults,
            limit=limit,
            on_result=show,
        )
        progress.update(bar, description="")

    _print_report(console, report)
    return report


def reach(make_harness: MakeHarness) -> None:
    """Connect once: an error of ours, such as a wrong password, would be that of every check."""

    async def once() -> None:
        harness = make_harness()
        await harness.open()

        try:
            async with harness.make():
                pass
        finally:
            await harness.close()

    try:
        asyncio.run(once())
    except InfrastructureError:
        raise
    except Exception as exc:  # noqa: BLE001 - what somebody's backend raises here the checks tell
        logger.debug("the first connection failed: %s", exc)


def save(reports: list[Report], path: Path) -> None:
    """Write the reports as JSON."""
    data = [report.as_dict() for report in reports]
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def matches(make_harness: MakeHarness, pattern: str) -> bool:
    """Return whether the suite of a harness has a check of such a name."""
    suite = suite_of(make_harness())
    return any(fnmatchcase(check.name, pattern) for check in suite.checks)


def list_checks(console: Console, pattern: str, interfaces: Collection[str]) -> bool:
    """Print the checks of ``interfaces``, their feature and kind; return whether there are any."""
    found = False

    for suite in (suite for suite in SUITES if suite.interface in interfaces):
        for check in suite.checks:
            if fnmatchcase(check.name, pattern):
                found = True
                kind = ", fault" if check.kind == "fault" else ""
                name = f"{check.name}  ({suite.interface}, {_feature(check)}{kind})"
                console.print(name, markup=False, highlight=False)
                _print_indented(console, check.text)

    return found


def _progress(console: Console) -> Progress:
    return Progress(
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        # Into a file or a pipe it would leave an empty line.
        disable=not console.is_terminal,
    )


def _feature(check: Check) -> str:
    if check.absent is not None:
        return f"without {check.absent}"

    return check.feature or "core"


def _print_failure(console: Console, result: Result) -> None:
    console.print(f"[bold red]failed[/] [bold]{result.check.name}[/]", highlight=False)
    _print_indented(console, result.check.text)
    _print_indented(console, result.reason)

    if result.where:
        _print_indented(console, result.where, style="dim")

    for line in result.logged[-_LOG_LINES:]:
        _print_indented(console, f"logged: {line}", style="dim")


def _print_indented(console: Console, text: str, style: str = "") -> None:
    for line in text.splitlines():
        console.print(f"    {line}", markup=False, highlight=False, style=style)


def _print_report(console: Console, report: Report) -> None:
    missing = {name: reason for name, reason in report.features.items() if reason}

    if missing and report.level == "full":
        console.print(f"{report.interface}: {_features(len(missing))} declared missing:")

        for name, reason in missing.items():
            console.print(f"    [bold]{name}[/]: {escape(reason)}", highlight=False)

    if report.faults and (untried := report.without_faults()):
        console.print(f"{report.interface}: {_untried(len(untried))}: {escape(report.unbroken)}")

        for result in untried:
            console.print(f"    {result.check.name}", markup=False, highlight=False)

    console.print(_summary(report), highlight=False)


def _summary(report: Report) -> str:
    counts = {status: len(report.of(status)) for status in ("passed", "failed")}
    asked = counts["passed"] + counts["failed"]

    if report.passed:
        result = f"[bold green]{_all(asked)} passed[/]"
    elif asked:
        result = f"[bold red]{counts['failed']} of {_all(asked).removeprefix('all ')} failed[/]"
    else:
        result = "[bold red]no check applies[/]"

    seconds = sum(outcome.seconds for outcome in report.results)
    name = escape(report.backend)
    start = f"{report.interface}, {name}, level {report.level}: {result}"
    return f"{start}{_not_asked(report)}, {seconds:.1f} s"


def _not_asked(report: Report) -> str:
    """Return how many checks were not asked; what a flag or a server would add stands apart."""
    reasons = [result.reason for result in report.of("not asked")]
    by_flag, hopeless = reasons.count(BY_FLAG), len(report.without_faults())
    counts = {
        "not asked": len(reasons) - by_flag - hopeless,
        "more by --faults": by_flag,
        # Who did not ask for them, and has no server, is not told of them each time.
        "need faults of the harness": hopeless if report.faults else 0,
    }
    return "".join(f", {count} {text}" for text, count in counts.items() if count)


def _features(count: int) -> str:
    return "1 feature is" if count == 1 else f"{count} features are"


def _untried(count: int) -> str:
    return "1 fault check was not tried" if count == 1 else f"{count} fault checks were not tried"


def _all(count: int) -> str:
    return "1 check" if count == 1 else f"all {count} checks"
