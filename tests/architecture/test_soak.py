"""What `make soak` writes tells of every test that failed."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from .test_tools import tool

REPORT = """
<testsuites><testsuite>
  <testcase name="test_a[pooled]" time="1.5">
    <properties><property name="operations" value="10000"/></properties>
  </testcase>
  <testcase name="test_b" time="0.5"><failure/></testcase>
  <testcase name="test_c" time="0.5"><skipped/></testcase>
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
