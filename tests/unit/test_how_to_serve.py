"""What docs/how-to/use-in-a-service.md shows works as it stands there."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from infrastructure import ConnectionError, OperationError, TimeoutError
from infrastructure.testing.clock import settle

from .test_how_to import ROOT, blocks

PAGE = (ROOT / "docs" / "how-to" / "use-in-a-service.md").read_text("utf-8")


@pytest.fixture
def service(tmp_path: Path) -> ModuleType:
    """Return the file of the page as a module."""
    file = tmp_path / "service.py"
    file.write_text(blocks("python", PAGE)[0], "utf-8")
    spec = spec_from_file_location("service", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_an_order_that_was_published_is_stored_and_counted(
    service: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messaging is closed first: its handler still has a storage."""
    monkeypatch.chdir(tmp_path)
    app = SimpleNamespace(state=SimpleNamespace())

    async with service.lifespan(app):
        await app.state.messaging.publish("orders", {"item": "tea"})
        # What no handler has begun is not waited for.
        await settle()

    again = SimpleNamespace(state=SimpleNamespace())

    async with service.lifespan(again):
        assert await service.items(again) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConnectionError("gone", retryable=True), 503),
        (TimeoutError("late"), 504),
        (OperationError("refused"), 500),
    ],
)
def test_an_error_has_a_status(service: ModuleType, error: Exception, status: int) -> None:
    """What may pass is told from what will not."""
    assert service.status_of(error) == status
