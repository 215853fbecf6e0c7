"""From a URL to a backend, and what is told when there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure import (
    ConfigurationError,
    open_cache,
    open_messaging,
    open_storage,
)
from infrastructure.caching.memory import MemoryCache
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.storage.sqlite import SQLiteStorage

BACKEND = """
from infrastructure.caching.memory import MemoryCache
{imports}

class Other(MemoryCache):
    def __init__(self, url, *, colour="red"):
        super().__init__("memory://")
        self.colour = colour
"""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A third party's distribution that registers backends, as pip would install it."""
    info = tmp_path / "other_backends-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: other-backends\nVersion: 1.0\n"
        "Provides-Extra: turbo\n"
        'Requires-Dist: nosuch-driver>=2; extra == "turbo"\n'
        'Requires-Dist: nosuch-driver>=2; extra == "all"\n'
    )
    (info / "entry_points.txt").write_text(
        "[infrastructure.caching]\n"
        "other = other_backend:Other\n"
        "driverless = driverless_backend:Other\n"
        "broken = broken_backend:Other\n"
        "storage = infrastructure.storage.sqlite:SQLiteStorage\n"
    )
    (tmp_path / "other_backend.py").write_text(BACKEND.format(imports=""))
    (tmp_path / "driverless_backend.py").write_text(BACKEND.format(imports="import nosuch_driver"))
    (tmp_path / "broken_backend.py").write_text(BACKEND.format(imports="import nosuch_helper"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path

    for name in ("other_backend", "driverless_backend", "broken_backend"):
        sys.modules.pop(name, None)


def test_each_scheme_opens_its_backend() -> None:
    """The backends of the package are found by their schemes, unconnected."""
    assert isinstance(open_cache("memory://"), MemoryCache)
    assert isinstance(open_messaging("memory://"), MemoryMessaging)
    assert isinstance(open_storage("sqlite://"), SQLiteStorage)
    assert "closed" in repr(open_cache("MEMORY://"))


def test_a_keyword_option_is_passed_on() -> None:
    """Options reach the constructor."""
    assert open_cache("memory://", max_entries=3).__class__ is MemoryCache

    with pytest.raises(ConfigurationError, match="max_entries"):
        open_cache("memory://", max_entries=-3)


@pytest.mark.parametrize("url", ["nosuch://host", "redis+nosuch://host"])
def test_an_unknown_scheme_lists_what_there_is(url: str) -> None:
    """The text names the schemes, and the group in which others register."""
    with pytest.raises(ConfigurationError, match=r"there are: memory://.*infrastructure\.caching"):
        open_cache(url)


def test_the_password_of_a_url_is_not_told() -> None:
    """A URL that cannot be opened is not shown with its password."""
    for call in (open_cache, open_messaging, open_storage):
        with pytest.raises(ConfigurationError) as caught:
            call("nosuch://user:canary@host/?password=canary")

        assert "canary" not in str(caught.value)


def test_an_unknown_option_lists_what_there_is() -> None:
    """The text names the option and those that exist."""
    with pytest.raises(ConfigurationError, match=r"no option 'colour'; there are: .*max_entries"):
        open_cache("memory://", colour="red")


@pytest.mark.parametrize("url", ["memory", "", None, 3])
def test_what_is_no_url_is_refused(url: object) -> None:
    """A URL has a scheme and ``://``."""
    with pytest.raises(ConfigurationError, match="looks like scheme://"):
        open_cache(url)  # type: ignore[arg-type]


def test_a_url_that_was_not_set_is_told_from_one_that_is_wrong() -> None:
    """``os.environ.get`` gives None for a variable that nobody set."""
    with pytest.raises(ConfigurationError, match=r"got None: is it set\?$"):
        open_cache(None)  # type: ignore[arg-type]

    with pytest.raises(ConfigurationError, match=r"got a value of type bytes$"):
        open_cache(b"memory://")  # type: ignore[arg-type]


def test_third_parties_register_their_own(distribution: Path) -> None:
    """An entry point named by its scheme is opened like ours."""
    backend = open_cache("other://", colour="blue")
    assert type(backend).__name__ == "Other"
    assert vars(backend)["colour"] == "blue"
    assert distribution.is_dir()


@pytest.mark.usefixtures("distribution")
def test_a_missing_extra_names_the_pip_command() -> None:
    """Where the driver is not installed, the text says what to type."""
    with pytest.raises(
        ConfigurationError, match=r"needs nosuch_driver: pip install 'other-backends\[turbo\]'"
    ):
        open_cache("driverless://")


@pytest.mark.usefixtures("distribution")
def test_a_module_that_no_extra_brings_is_an_error_of_the_backend() -> None:
    """A bug of somebody's backend is not taken for a missing extra."""
    with pytest.raises(ModuleNotFoundError, match="nosuch_helper"):
        open_cache("broken://")


@pytest.mark.usefixtures("distribution")
def test_an_entry_point_of_the_wrong_kind_is_refused() -> None:
    """A storage does not become a cache."""
    with pytest.raises(ConfigurationError, match="no CachingInterface"):
        open_cache("storage://")
