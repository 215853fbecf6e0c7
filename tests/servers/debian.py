"""Programs of Debian's packages: the installed one, or one that is unpacked into a folder."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .commands import MissingServerError
from .installation import INSTALLED, installed as unpacked
from .program import Program

__all__ = ["program"]

# Half of what PostgreSQL's package depends on, and its server does without: compiling queries
# (switched off), and the commands that look after several clusters.
_SPARED = re.compile(r"libllvm|libz3|perl|libperl")


@functools.cache
def program(package: str, pattern: str) -> Program:
    """Return the program of a package whose path is like ``pattern``, such as ``usr/bin/openssl``.

    Where it is not installed the package is downloaded once.
    """
    installed = shutil.which(Path(pattern).name) or _newest(Path("/"), pattern)

    if installed:
        return Program(Path(installed).resolve())

    tree = unpacked(package, functools.partial(_unpack, package))
    path = _newest(tree, pattern)
    assert path is not None, f"{package} has no {pattern}"
    shared = [*tree.glob("lib/**/lib*.so.*"), *tree.glob("usr/lib/**/lib*.so.*")]
    libraries = sorted({str(path.parent) for path in shared})
    return Program(path, {"LD_LIBRARY_PATH": os.pathsep.join(libraries)}, tree)


def _newest(root: Path, pattern: str) -> Path | None:
    """Return the last of the matching paths, which is that of the highest version."""
    return max(root.glob(pattern), default=None)


def _unpack(package: str, root: Path, scratch: Path) -> None:
    """Fill ``root`` with the package and what is missing of its needs."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        msg = f"{package} is not installed, and there is no apt-get to download it: install it ({INSTALLED / package})"
        raise MissingServerError(msg)

    # This asks for no root, and starts no service.
    for archive in _download(package, scratch):
        _run(["dpkg", "-x", str(archive), str(root)])


def _download(package: str, scratch: Path) -> list[Path]:
    """Download what an installation would; where the lists of packages are old, anew."""
    try:
        _fetch(package, scratch, [])
    except subprocess.CalledProcessError:
        lists = scratch / "lists"
        (lists / "partial").mkdir(parents=True)
        private = [f"-oDir::State::lists={lists}", f"-oDir::Cache={scratch / 'cache'}"]
        _run(["apt-get", "update", *private, "-oAPT::Sandbox::User=root"])
        _fetch(package, scratch, private)

    return sorted(scratch.glob("*.deb"))


def _fetch(package: str, scratch: Path, options: Sequence[str]) -> None:
    plan = ["apt-get", "install", "--simulate", "--no-install-recommends", *options, package]
    needed = re.findall(r"^Inst (\S+)", _run(plan), re.MULTILINE)
    missing = [name for name in needed if not _SPARED.match(name)]
    # As root apt would hand the download to a user who may not write here, and warn.
    settings = ["-oAcquire::Retries=3", "-oAPT::Sandbox::User=root"]
    _run(["apt-get", "download", *options, *settings, *missing], scratch)


def _run(command: Sequence[str], folder: Path | None = None) -> str:
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
