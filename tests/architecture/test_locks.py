"""The lock files name what pyproject.toml asks for, by hash, and nobody's server or disk."""

from __future__ import annotations

import re
import tomllib

from ._source import ROOT

LOCKS = ("bench", "cli", "dev", "test")


def read(name: str) -> str:
    """Return the text of a lock file."""
    return (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")


def pins(text: str) -> set[str]:
    """Collect the ``name==version`` pairs of a lock file."""
    return set(re.findall(r"^([a-z0-9-]+==\S+)", text, re.MULTILINE))


def lock_problems(text: str) -> list[str]:
    """Say what a lock file must not have, or lacks."""
    entries = [entry for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if entry.strip()]
    found = [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]

    return found + re.findall(r"\S*://\S*|(?<!\S)/\S+|--\S*index\S*|--find-links\S*", text)


def asked_for() -> set[str]:
    """Collect the names of everything that pyproject.toml depends on directly."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = data["project"]
    texts = [
        *project["dependencies"],
        *(text for extra in project["optional-dependencies"].values() for text in extra),
        *(text for group in data["dependency-groups"].values() for text in group),
        *data["build-system"]["requires"],
    ]
    names = {re.split(r"[^A-Za-z0-9._-]", text)[0] for text in texts if isinstance(text, str)}

    return names - {project["name"]}


def test_a_bad_lock_is_found() -> None:
    """A missing hash, an index, an address and a path of somebody's disk are seen."""
    good = "a==1 \\\n    --hash=sha256:0\n"

    assert not lock_problems(good)
    assert lock_problems(f"{good}b==2\n") == ["b==2"]
    assert lock_problems(f"--index-url https://example.org\n{good}")
    assert lock_problems(f"{good[:-1]}\n    # from /home/me/wheels\n")


def test_locks_are_hashed_and_anonymous() -> None:
    """Everything is installed by hash, from wherever the reader's pip is set up to look."""
    for name in LOCKS:
        assert len(pins(read(name))) > 5
        assert not lock_problems(read(name))


def test_locks_follow_the_project() -> None:
    """Whoever adds a dependency runs `make lock`, and all locks agree on the versions."""
    everything, peers = pins(read("dev")), pins(read("bench"))
    names = {pin.partition("==")[0] for pin in everything}

    assert len(asked_for()) > 10
    assert asked_for() <= names | {pin.partition("==")[0] for pin in peers}
    assert {pin for pin in peers if pin.partition("==")[0] in names} <= everything
    assert pins(read("cli")) | pins(read("test")) <= pins(read("dev"))
