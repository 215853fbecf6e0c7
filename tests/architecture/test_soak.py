"""What `make soak` writes tells of every test that failed."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from .test_tools import tool

REPORT = """
<testsuites><testsuite>
  <testcase name="test_a[pooled]" file="tests/faults/redis/test_x.py" time="1.5">
    <properties><property name="operations" value="10000"/></properties>
  </testcase>
  <testcase name="test_b" file="tests/faults/redis/test_x.py" time="0.5"><failure/></testcase>
  <testcase name="test_c" file="tests/faults/redis/test_x.py" time="0.5"><skipped/></testcase>
</testsuite></testsuites>
"""


def test_the_page_counts_and_names() -> None:
    """All stand in a table; what failed, or did not run, is named before it."""
    soak = tool("soak")
    found = list(soak.tests(ET.fromstring(REPORT)))  # noqa: S314 - it stands above
    text = soak.page(found, {"on": "2026-01-01"})
    assert "1 of 3 tests passed, in 2 s; on 2026-01-01." in text
    assert "| `test_a[pooled]` | 2 | operations: 10000 |" in text
    assert "- failed: `test_b`\n- failed: `test_c`\n" in text


def test_what_was_not_run_stays() -> None:
    """A folder that is run alone has its section written anew; those of the others are as they were."""
    soak = tool("soak")
    found = list(soak.tests(ET.fromstring(REPORT)))  # noqa: S314 - it stands above
    elsewhere = [test._replace(folder="tests/faults/kafka") for test in found]
    both = soak.page([*found, *elsewhere], {"on": "2026-01-01"})
    again = soak.page(found[:1], {"on": "2026-02-02"}, both)
    kafka, redis = again.split("## ")[1:]
    assert kafka == both.split("## ")[1]
    assert redis.startswith("tests/faults/redis\n\n1 of 1 tests passed, in 2 s; on 2026-02-02.")
