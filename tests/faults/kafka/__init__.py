"""The messaging over Kafka under faults, on a real broker: each test is named by the fault that it makes."""

from __future__ import annotations

from pathlib import Path

import pytest

# Scenarios assert as tests do, and are not called so.
for _path in Path(__file__).parent.glob("*_scenarios.py"):
    pytest.register_assert_rewrite(f"{__name__}.{_path.stem}")
