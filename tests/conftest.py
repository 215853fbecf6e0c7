"""What every test shares: hypothesis' profile, and a line that says which package is tested."""

from __future__ import annotations

import os

from hypothesis import settings

import infrastructure

# Wall-clock limits of an example say more about the machine than about the code;
# CI repeats the same examples, so that a red run can be run again.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_report_header() -> str:
    """Say which copy of the package is imported: the tree's or the installed wheel's."""
    return f"infrastructure: {infrastructure.__file__}"
