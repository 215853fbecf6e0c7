"""What breaks things: where it stands, what it mends, and when its checks are asked."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure.conformance import CachingHarness, Check, FaultHarness, prove, run_check
from infrastructure.conformance.harnesses.postgres import PostgresHarness
from infrastructure.interfaces import ConfigurationError

from ..testing.answering import ask, port, server_on
from ..testing.peers import nothing_left
from .samples import Plain, as_check

__all__ = ["nothing_left", "port"]


class Breakable(Plain):
    """A cache in memory that says where a server is; nobody goes there."""

    faults = FaultHarness(("127.0.0.1", 1))


class Core(Breakable):
    """The same, of which little is asked."""

    level = "core"
    features = ("durable",)


def _g6(check: Check) -> bool:
    return check.line == "G6"


def test_fault_checks_are_asked_by_a_flag() -> None:
    """Where the harness has faults; else the reason is another, and no flag helps."""
    (reason,) = {one.reason for one in prove(Breakable, backend="x", only=_g6).results}
    assert reason == "a fault check: --faults asks it"
    report = prove(Plain, backend="x", only=_g6, faults=True)
    (reason,) = {one.reason for one in report.results}
    assert reason == "a fault check: its harness has no faults, as where there is no server"
    assert report.as_dict()["checks"][0]["kind"] == "fault"
    assert report.without_faults() == list(report.results)
    assert f"a fault check: {report.unbroken}" == reason
    assert not prove(Breakable, backend="x", only=_g6).without_faults()


def test_their_features_are_told_when_they_are_tried() -> None:
    """Declared like the others; of a run without them nobody asks."""
    report = prove(Core, backend="x", only=_g6, faults=True)
    assert report.features["durable"] == ""
    assert report.features["server_faults"] == "not declared (level core)"
    reasons = {one.reason for one in report.of("not asked")}
    assert reasons == {"server_faults: not declared (level core)"}
    assert "durable" not in prove(Core, backend="x", only=_g6).features
    assert "durable" not in prove(Plain, backend="x", only=_g6, faults=True).features


@pytest.mark.usefixtures("nothing_left")
async def test_what_a_check_left_broken_is_mended(port: int) -> None:
    """The server answers before and afterwards, by itself and through the proxy."""
    server = server_on(port)
    faults = FaultHarness(("127.0.0.1", port), server)

    try:
        async with faults:
            assert faults.is_open
            await ask(faults.proxy.port)
            await faults.pause()

        assert not faults.is_open
        pid, _ = await ask(port)

        async with faults:
            await faults.kill()

        assert (await ask(port))[0] != pid

        async with faults:
            await faults.pause()
            await faults.resume()
            await faults.kill()
            await faults.start()
            await ask(faults.proxy.port)
            assert await faults.connections() == faults.proxy.open
    finally:
        await server.stop()


async def test_a_server_that_is_not_ours_cannot_be_stopped() -> None:
    """The error says what the harness has to declare."""
    async with FaultHarness(("127.0.0.1", 1)) as faults:
        for stop in (faults.start, faults.kill, faults.pause, faults.resume):
            with pytest.raises(ConfigurationError, match="list 'server_faults', and 'durable'"):
                await stop()


def test_the_proxy_is_open_while_a_check_runs() -> None:
    """From before the harness opens until after it closed, whatever kind the check is of."""
    seen: list[bool] = []

    class Watched(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.faults = FaultHarness(("127.0.0.1", 1))

        async def open(self) -> None:
            seen.append(self.faults.is_open)

        async def close(self) -> None:
            seen.append(self.faults.is_open)

    async def looks(harness: CachingHarness) -> None:
        assert harness.faults is not None
        seen.append(harness.faults.is_open)
        await asyncio.sleep(0)

    assert run_check(as_check(looks), Watched).status == "passed"
    assert seen == [True, True, True]


def test_of_several_postgres_hosts_none_is_broken() -> None:
    """A proxy would stand on the way to one of them alone."""
    one = PostgresHarness("postgresql://db.example/things")
    several = PostgresHarness("postgresql://a.example,b.example/things")
    assert one.faults is not None
    assert several.faults is None
