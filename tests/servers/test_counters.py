"""What a server counts is read without counting oneself."""

from __future__ import annotations

from collections import Counter

from .server import RedisServer
from .waiting import until


async def test_the_reader_is_not_counted(private_valkey: RedisServer) -> None:
    """Nothing happens between two readings of an idle server, however often it is read."""
    with private_valkey.counters() as counters:
        before = counters.read()
        again = counters.read()
        counters.clients()
        after = counters.read()

    for reading in (again, after):
        assert (reading - before).connections == 0
        assert (reading - before).commands == Counter()

    assert after.open == 0


async def test_connections_and_commands_are_counted(private_valkey: RedisServer) -> None:
    """Those that came, those that are open, and each command by its name."""
    with private_valkey.counters() as counters:
        before = counters.read()

        async with private_valkey.client(client_name="ada") as client:
            await client.set("a", 1)
            await client.get("a")
            await client.get("b")
            seen = counters.read() - before
            [known] = counters.clients()

        assert (seen.connections, seen.open) == (1, 1)
        assert (seen.commands["get"], seen.commands["set"], seen.commands["del"]) == (2, 1, 0)
        assert seen.commands["client|setname"] == 1
        assert known["name"] == "ada"
        await until(lambda: (counters.read() - before).open == 0)
        assert (counters.read() - before).connections == 1


async def test_another_reader_is_counted(private_valkey: RedisServer) -> None:
    """Only one's own commands are left out, not everybody's INFO."""
    with private_valkey.counters() as counters:
        before = counters.read()

        async with private_valkey.client() as client:
            await client.info()

        assert (counters.read() - before).commands["info"] == 1
