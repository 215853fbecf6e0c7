"""Tests whose server this machine does not have fail by one line, and the run says how many and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

import pytest

from .servers import shared
from .servers.commands import MissingServerError

__all__ = ["pytest_runtest_makereport", "wants"]

_WANTED = "missing_server"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell what to install in place of a traceback, and beside it where another broker stood in."""
    report = yield
    error = call.excinfo.value if call.excinfo else None

    if isinstance(error, MissingServerError):
        report.longrepr = str(error)
        _note(report, f"could not run here: {error}")
    elif report.failed and _asks_kafka(item) and "Tansu" in shared.kafka_told():
        _note(report, f"failed on {shared.kafka_told()}: it is not all of Kafka")

    return report


def wants(reporter: pytest.TerminalReporter) -> list[str]:
    """Return a line for each thing that is missing; the tests that want it are named as failed."""
    counted = Counter(
        text
        for status in ("failed", "error")
        for report in reporter.getreports(status)
        # Of a file that cannot be read there is another kind of report.
        for name, text in getattr(report, "user_properties", ())
        if name == _WANTED
    )
    return [f"{count} of those below {text}" for text, count in counted.items()]


def _note(report: pytest.TestReport, text: str) -> None:
    # This is among what a process of the run sends to the one that reports.
    report.user_properties.append((_WANTED, text))


def _asks_kafka(item: pytest.Item) -> bool:
    return "kafka" in item.nodeid or "kafka" in getattr(item, "fixturenames", ())
