"""What is imported is what should be tested, and its metadata leads to it."""

from __future__ import annotations

import os
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

import infrastructure

from ._source import ROOT

INSTALLED = Path(infrastructure.__file__).resolve().parent
SITE_PACKAGES = Path(sysconfig.get_path("purelib")).resolve()
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
# Source in the repository → place in the wheel, of what the wheel has and the package folder has not.
ADDED = SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]


def differences(left: Path, right: Path) -> list[str]:
    """Name the files that only one folder has, or that have not the same bytes in both."""
    files = {
        path.relative_to(root).as_posix()
        for root in (left, right)
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    return sorted(
        name
        for name in files
        if not ((left / name).is_file() and (right / name).is_file())
        or (left / name).read_bytes() != (right / name).read_bytes()
    )


def test_a_difference_is_found(tmp_path: Path) -> None:
    """A stale, a missing and a superfluous file are seen."""
    left, right = tmp_path / "left", tmp_path / "right"

    for folder, text in ((left, "old"), (right, "new")):
        folder.mkdir()
        (folder / "same.py").write_text("x = 1")
        (folder / "stale.py").write_text(text)
        (folder / f"only_{text}.py").write_text("")

    assert differences(left, right) == ["only_new.py", "only_old.py", "stale.py"]


def test_the_right_copy_is_imported() -> None:
    """`make test` tests the wheel, below site-packages; everything else tests the tree."""
    if os.environ.get("INFRASTRUCTURE_TEST_WHEEL") == "1":
        assert INSTALLED.is_relative_to(SITE_PACKAGES)
    else:
        assert INSTALLED == ROOT / "infrastructure"


def test_the_copy_is_the_tree() -> None:
    """The wheel holds every file of the package as it is now, and the marker of its types."""
    assert len(list(INSTALLED.rglob("*.py"))) > 15
    assert (INSTALLED / "py.typed").is_file()

    found = set(differences(INSTALLED, ROOT / "infrastructure"))
    added = {place.removeprefix("infrastructure/") for place in ADDED.values()}

    assert found == (added if INSTALLED.is_relative_to(SITE_PACKAGES) else set())


def test_what_is_added_to_the_wheel_is_the_repositorys() -> None:
    """The data of the demo come along; an editable install reads them where they stand."""
    site = INSTALLED.parent
    found = {place: (site / place).is_file() for place in ADDED.values()}

    assert set(found.values()) == {INSTALLED.is_relative_to(SITE_PACKAGES)}
    assert all((ROOT / source).is_file() for source in ADDED)
    assert all(
        (site / place).read_bytes() == (ROOT / source).read_bytes()
        for source, place in ADDED.items()
        if found[place]
    )


def test_the_metadata_is_the_projects() -> None:
    """Version, licence and extras of what is installed are those of pyproject.toml."""
    installed = metadata.metadata(PROJECT["name"])

    assert installed["Version"] == PROJECT["version"]
    assert installed["License-Expression"] == "MIT"
    assert set(installed.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])


def test_entry_points_lead_to_classes() -> None:
    """Every declared backend and harness can be loaded, under the scheme by which URLs find it."""
    groups = PROJECT["entry-points"]
    backends = {f"infrastructure.{kind}" for kind in ("caching", "messaging", "storage")}
    harnesses = {group.replace(".", ".conformance.") for group in backends}

    assert set(groups) == backends | harnesses
    assert all(
        groups[name].keys() == groups[name.replace(".conformance", "")].keys() for name in harnesses
    )

    for group, declared in groups.items():
        found = {entry.name: entry for entry in metadata.entry_points(group=group)}

        assert set(found) >= set(declared)

        for name, target in declared.items():
            assert found[name].load().__name__ == target.partition(":")[2]


def test_the_command_is_there() -> None:
    """The script that the package installs can be loaded."""
    (command,) = metadata.entry_points(group="console_scripts", name="infrastructure")

    assert callable(command.load())
