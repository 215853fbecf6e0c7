"""A messaging of somebody else's over the delivery engine keeps all that the engine promises."""

from __future__ import annotations

from infrastructure.conformance.pytest import conformance

from ._folder import example

test_list_messaging = conformance(example("list_messaging").ListHarness)
