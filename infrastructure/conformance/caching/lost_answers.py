"""G9 and E3: what is asked again when its answer was lost, and what must not be."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from ...interfaces import CachingInterface, ConnectionError, InfrastructureError
from .._breaking import DEADLINE, PATIENT, Call, answers, ends, faults_of, of
from .._check import check
from .._expect import beside, equal, exactly
from .._fault_checks.lost_answers import lost
from .._harness import CachingHarness
from .._outages import NOTICED, frozen, refused, silent
from ._works import hurried

__all__ = [
    "E3_a_write_that_never_left_says_so",
    "E3_a_write_whose_answer_was_lost_is_unknown",
    "G9_a_late_server_applies_a_write_once",
    "G9_a_read_over_a_lost_connection_succeeds",
    "G9_a_read_whose_answer_was_lost_succeeds",
    "G9_a_write_is_sent_once",
    "G9_nothing_is_written_after_its_error",
]

_LARGE = 50_000


def _reads(cache: CachingInterface) -> dict[str, Call]:
    return {
        "get": lambda: cache.get("mine"),
        "exists": lambda: cache.exists("mine"),
        "ttl": lambda: cache.ttl("mine"),
        "scan_keys": lambda: cache.scan_keys("m*"),
        "get_many": lambda: cache.get_many(["mine"]),
    }


_READ = {
    "get": "own",
    "exists": True,
    "ttl": 600,
    "scan_keys": ["mine"],
    "get_many": {"mine": "own"},
}


def _right(name: str, found: Any, began: float) -> None:
    """Assert what a read of ``_reads`` gave, whose key was stored at the instant ``began``."""
    passed = time.monotonic() - began
    is_time = name == "ttl" and isinstance(found, int) and 599 - passed <= found <= 600
    assert is_time or found == _READ[name], f"{name} gave {found!r}, expected {_READ[name]!r}"


def _writes(cache: CachingInterface) -> dict[str, Call]:
    return {
        "set": lambda: cache.set("key", "new"),
        "delete": lambda: cache.delete("key"),
        "set_many": lambda: cache.set_many({"key": "new"}),
        "delete_many": lambda: cache.delete_many(["key"]),
    }


@check(kind="fault")
async def G9_a_read_over_a_lost_connection_succeeds(harness: CachingHarness) -> None:
    """Idle connections that were closed or reset: no read fails, heard of or not."""
    proxy = faults_of(harness).proxy

    async with harness.make(deadline=PATIENT) as cache:
        began = time.monotonic()
        await cache.set("mine", "own", 600)

        for lose in (proxy.cut, proxy.reset):
            for pause in (0.0, NOTICED):
                for name, call in _reads(cache).items():
                    await asyncio.gather(*(cache.get("mine") for _ in range(10)))
                    lose()
                    await asyncio.sleep(pause)
                    _right(name, await answers(call, f"{name} after a {lose.__name__}"), began)


@check(kind="fault")
async def G9_a_read_whose_answer_was_lost_succeeds(harness: CachingHarness) -> None:
    """The connection ends between question and answer: every read is asked again, silently."""
    async with harness.make(deadline=PATIENT) as cache:
        began = time.monotonic()
        await cache.set("mine", "own", 600)

        for name, call in _reads(cache).items():
            found = await lost(faults_of(harness).proxy, call, name)
            assert not isinstance(found, InfrastructureError), f"{name} raised {found!r}"
            _right(name, found, began)


@check(kind="fault")
async def E3_a_write_whose_answer_was_lost_is_unknown(harness: CachingHarness) -> None:
    """ConnectionError with ``outcome="unknown"`` and a cause; it happened once or not at all."""
    async with harness.make(deadline=PATIENT) as cache:
        for name, call in _writes(cache).items():
            await cache.set("key", "old")
            error = await lost(faults_of(harness).proxy, call, name)
            assert isinstance(error, ConnectionError), f"{name}, its answer lost, gave {error!r}"
            assert error.outcome == "unknown", f"{name}: outcome={error.outcome!r}"
            assert error.__cause__ is not None, f"{name}: {error} has no cause"
            found = await cache.get("key")
            after = "new" if name.startswith("set") else None
            assert found in ("old", after), f"{name}, its answer lost, left {found!r}"


@check(kind="fault")
async def E3_a_write_that_never_left_says_so(harness: CachingHarness) -> None:
    """Without a server whose loss was noticed: ``outcome="not_applied"``, and it never is."""
    async with hurried(harness) as cache:
        # A batch that failed is unknown always (C8).
        for name, call in list(_writes(cache).items())[:2]:
            await answers(lambda: cache.set("key", "old"), "set")

            async with refused(faults_of(harness)):
                error = await ends(call, DEADLINE, name)

            assert isinstance(error, InfrastructureError), f"{name} without a server: {error!r}"
            assert error.outcome == "not_applied", f"{name}: outcome={error.outcome!r}"
            await asyncio.sleep(NOTICED)
            equal(await answers(lambda: cache.get("key"), "get afterwards"), "old")


@check(kind="fault")
async def G9_a_write_is_sent_once(harness: CachingHarness) -> None:
    """However long its answer takes, and after it came: the value leaves this process once."""
    proxy = faults_of(harness).proxy
    # Random: whatever is compressed has this size still.
    value = os.urandom(_LARGE)

    async with hurried(harness, key="old") as cache:
        before = proxy.bytes_to_server
        proxy.black_hole("to_client")
        await ends(lambda: cache.set("key", value), DEADLINE, "set")
        proxy.heal()
        await asyncio.sleep(NOTICED)
        await answers(lambda: cache.exists("key"), "exists afterwards")
        sent = proxy.bytes_to_server - before
        assert sent < 2 * _LARGE, f"a value of {_LARGE} bytes took {sent} bytes: it was sent again"


@check(kind="fault")
async def G9_nothing_is_written_after_its_error(harness: CachingHarness) -> None:
    """Once the server has what was sent, a write that failed does not come back."""
    proxy = faults_of(harness).proxy

    async with hurried(harness) as cache:
        for failing in ("cut", "silent"):
            if failing == "cut":
                await lost(proxy, lambda: cache.set("key", "lost"), "set")
            else:
                async with silent(faults_of(harness)):
                    await ends(lambda: cache.set("key", "lost"), DEADLINE, "set")

                await asyncio.sleep(NOTICED)

            await answers(lambda: cache.set("key", "later"), "set afterwards")
            await asyncio.sleep(2 * NOTICED)
            equal(await answers(lambda: cache.get("key"), "get afterwards"), "later")


@check(kind="fault", feature="server_faults")
async def G9_a_late_server_applies_a_write_once(harness: CachingHarness) -> None:
    """A delete to a server that stands still for a while: the one that removed it answers."""
    faults = faults_of(harness)

    async with harness.make(deadline=5.0) as cache:
        await cache.set("key", 1)

        async with frozen(faults):
            removing = beside(cache.delete("key"))
            await asyncio.sleep(0.5)

        exactly(await answers(of(removing), "delete"), True)
        exactly(await cache.exists("key"), False)
