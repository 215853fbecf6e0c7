"""Checks that prove a backend: plain async functions, one for each promise of the contract.

Write a harness (``CachingHarness``, ``MessagingHarness``, ``StorageHarness``), then let the
checks run: by ``prove`` and ``infrastructure conform``, or in pytest by
``infrastructure.conformance.pytest.conformance``. ``SUITES`` has every check and feature.
"""

from __future__ import annotations

from ._check import Check
from ._faults import FaultHarness, Server
from ._harness import CachingHarness, Harness, MessagingHarness, StorageHarness, declares, wanted
from ._lines import LINES
from ._report import Report, prove
from ._run import Result, run_check
from ._suites import SUITES, Interface, Suite, suite_of
from ._targets import harness_at, harnesses_of

__all__ = [
    "LINES",
    "SUITES",
    "CachingHarness",
    "Check",
    "FaultHarness",
    "Harness",
    "Interface",
    "MessagingHarness",
    "Report",
    "Result",
    "Server",
    "StorageHarness",
    "Suite",
    "declares",
    "harness_at",
    "harnesses_of",
    "prove",
    "run_check",
    "suite_of",
    "wanted",
]
