"""What docs/reference/options.md lists is what the backends take."""

from __future__ import annotations

import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from infrastructure._core.clock import SYSTEM_CLOCK
from infrastructure.caching.memory import MemoryCache
from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces import ConfigurationError
from infrastructure.messaging._messaging import EngineMessaging
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.storage.sqlite import SQLiteStorage

from ..servers.certificates import Certificates

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "options.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (?:`(.*?)`)? ?\| (.*?) \| .+ \|$", re.MULTILINE)
BACKENDS = {
    MemoryCache: "memory://",
    RedisCache: "rediss+sentinel://localhost/primary",
    KafkaMessaging: "kafka+ssl://ada:secret@localhost",
    MemoryMessaging: "memory://",
    PostgresStorage: "postgresql://localhost/app",
    SQLiteStorage: "sqlite:///a.db",
}

backends = pytest.mark.parametrize(("cls", "url"), BACKENDS.items())


def rows(cls: type) -> list[tuple[str, str, str]]:
    """Return name, example and default of each option on the page."""
    shared = delivery() if issubclass(cls, EngineMessaging) else []
    return [*section(cls.__name__), *shared]


def delivery() -> list[tuple[str, str, str]]:
    """Return those of the delivery engine."""
    return section("Delivery")


def section(title: str) -> list[tuple[str, str, str]]:
    """Return the options under a title."""
    _, _, text = PAGE.partition(f"\n## {title}\n")
    return ROW.findall(text.partition("\n## ")[0])


def spelled(name: str, default: Any, cls: Any) -> str:
    """Return a default as the page has it."""
    if name == "deadline":
        return f"{cls._default_deadline:g} seconds"

    if default is SYSTEM_CLOCK:
        return "the system's"

    if name == "reject_on":
        return f"`({', '.join(error.__name__ for error in default)},)`"

    return f"`{default:_}`" if type(default) is int else f"`{default!r}`"


@backends
def test_every_option_is_there_with_its_default(cls: type, url: str) -> None:
    """In the order of the signature."""
    assert [(name, default) for name, _, default in rows(cls)] == [
        (each.name, spelled(each.name, each.default, cls))
        for each in inspect.signature(cls).parameters.values()
        if each.kind is each.KEYWORD_ONLY
    ]


@backends
def test_the_examples_are_urls(
    cls: Any, url: str, certificates: Certificates, tmp_path: Path, monkeypatch: Any
) -> None:
    """What has none is refused there."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(certificates.authority, "ca.pem")

    for name, example, _ in rows(cls):
        if example:
            # One that is a mapping has a name for each: settings.search_path=app
            assert re.match(rf"{name}(\.[\w.]+)?=", example)
            cls(f"{url}?{example}")
        else:
            with pytest.raises(ConfigurationError, match=f"no option '{name}'"):
                cls(f"{url}?{name}=1")


def test_all_but_the_last_three_are_a_subscriptions_too() -> None:
    """As the page says; those belong to the instance."""
    options = DeliveryOptions()
    names = [name for name, _, _ in delivery()]

    for name in names[:-3]:
        options.override({name: getattr(options, name)})

    for name in names[-3:]:
        with pytest.raises(ConfigurationError, match=f"no option '{name}'"):
            options.override({name: getattr(options, name)})
