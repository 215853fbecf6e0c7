from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Options:
    url: str
    deadline: float | None
    max_connections: int
    pipelining: bool
    settings: dict = field(default_factory=dict)
    statement_cache: int = 256
    read_write: bool = False
    group_commit: bool = False
    shown: str = "x"
    hypertables: str = "require"
    listen_url: str | None = None


def options_of(url, given):
    return Options(
        url,
        given["deadline"],
        int(given["max_connections"]),
        given["pipelining"],
        dict(given.get("settings") or {}),
        hypertables=given["hypertables"],
    )
