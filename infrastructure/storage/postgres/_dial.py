from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import pq


@dataclass
class Dialled:
    pgconn: Any
    pooled: bool = False
    server_version: int = 18


async def dial(options, expires):
    url = options.url + ("&" if "?" in options.url else "?") + "client_encoding=utf8"
    pg = pq.PGconn.connect(url.encode())
    if pg.status != pq.ConnStatus.OK:
        raise Exception(pg.error_message)
    pg.exec_(b"SET timezone='UTC'")
    path = options.settings.get("search_path", '"$user", public')
    if options.hypertables == "index": path += ", infrastructure_functions"
    pg.exec_(f"SET search_path={path}".encode())
    pg.nonblocking = 1
    return Dialled(pg)


async def cancel(pgconn, expires):
    pgconn.get_cancel().cancel()
