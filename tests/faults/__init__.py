"""Backends under faults: cancelled at every await, and what is left of an operation then."""

from __future__ import annotations

from pathlib import Path

import pytest

# Scenarios assert as tests do, and are not called so.
for _path in Path(__file__).parent.glob("*_scenarios.py"):
    pytest.register_assert_rewrite(f"{__name__}.{_path.stem}")
