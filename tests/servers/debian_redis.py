"""Debian's Redis 7, with TLS: the installed one, or one that is unpacked into a folder."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .program import Program

__all__ = ["openssl", "program"]

# Removed by `make clean`; `apt-get download` asks for no root, and unpacking starts no service.
_UNPACKED = Path(__file__).resolve().parents[2] / "build" / "servers" / "debian"
_PACKAGES = ("redis-server", "openssl")


def program() -> Program:
    """Return Redis: where it is not installed it is downloaded once."""
    return _find("redis-server")


def openssl() -> Program:
    """Return the command that makes certificates, from the same place."""
    return _find("openssl")


@functools.cache
def _find(name: str) -> Program:
    installed = shutil.which(name)

    if installed:
        return Program(Path(installed))

    if not _UNPACKED.is_dir():
        _unpack(_UNPACKED)

    libraries = sorted({str(path.parent) for path in _UNPACKED.glob("usr/lib/**/lib*.so.*")})
    return Program(
        _UNPACKED / "usr" / "bin" / name, {"LD_LIBRARY_PATH": os.pathsep.join(libraries)}
    )


def _unpack(folder: Path) -> None:
    """Fill ``folder``, all at once, with what is missing of the packages."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        msg = f"redis-server is not installed, and there is no apt-get to download it: install it ({folder})"
        raise RuntimeError(msg)

    folder.parent.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        root = Path(scratch) / "root"
        root.mkdir()

        for package in _download(Path(scratch)):
            _run(["dpkg", "-x", str(package), str(root)])

        # Another run may have been as fast.
        if not folder.is_dir():
            root.rename(folder)


def _download(scratch: Path) -> list[Path]:
    """Download what an installation would; where the lists of packages are old, anew."""
    try:
        _fetch(scratch, [])
    except subprocess.CalledProcessError:
        lists = scratch / "lists"
        (lists / "partial").mkdir(parents=True)
        private = [f"-oDir::State::lists={lists}", f"-oDir::Cache={scratch / 'cache'}"]
        _run(["apt-get", "update", *private, "-oAPT::Sandbox::User=root"])
        _fetch(scratch, private)

    return sorted(scratch.glob("*.deb"))


def _fetch(scratch: Path, options: Sequence[str]) -> None:
    plan = ["apt-get", "install", "--simulate", "--no-install-recommends", *options, *_PACKAGES]
    missing = re.findall(r"^Inst (\S+)", _run(plan), re.MULTILINE)
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
