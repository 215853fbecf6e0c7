"""``python -m tests.servers kafka|postgres|redis``: a server of the tests, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from . import postgres, valkey
from .commands import MissingServerError
from .kafka_program import missing
from .kafka_server import KafkaServer
from .postgres_server import PostgresServer
from .server import RedisServer
from .tansu import Tansu

Server = KafkaServer | PostgresServer | RedisServer | Tansu

SERVERS: Mapping[str, Callable[[], Server]] = {
    "kafka": lambda: Tansu() if missing() else KafkaServer(),
    "postgres": lambda: PostgresServer(postgres.program()),
    "redis": lambda: RedisServer(valkey.program()),
}


async def run(make: Callable[[], Server]) -> None:
    """Print its URL when it is ready; it ends, and its folder goes, when this is cancelled."""
    async with make() as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Run the one that the command line names."""
    parser = argparse.ArgumentParser("python -m tests.servers", description=__doc__)
    parser.add_argument("server", choices=sorted(SERVERS))
    make = SERVERS[parser.parse_args().server]

    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(run(make))
    except MissingServerError as exc:
        parser.exit(2, f"{exc}\n")


if __name__ == "__main__":
    main()
