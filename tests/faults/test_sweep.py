"""The sweep tells: each kind of damage that a cancellation does is found in a planted backend."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
from typing import Any

import pytest

from ._sweep import Scenario, Scenarios, Stage, Steps, public_methods


class Backend:
    """Suspends twice in ``run``; ``damage`` is what it does when it is cancelled there."""

    def __init__(self, damage: str) -> None:
        self.damage = damage
        self.open = self.broken = False
        self.done: list[int] = []
        self.busy: list[str] = []
        self.kept: list[Any] = []

    async def connect(self) -> None:
        self.open = True

    async def disconnect(self) -> None:
        self.open = False

    async def run(self) -> None:
        try:
            await asyncio.sleep(0)
            self.done.append(1)
            await asyncio.sleep(0)
        except asyncio.CancelledError as exc:
            self.done.clear()
            getattr(self, self.damage)(exc)
            raise

        self.done.append(2)

    def none(self, _exc: BaseException) -> None: ...

    def translates(self, exc: BaseException) -> None:
        raise LookupError from exc

    def tears(self, _exc: BaseException) -> None:
        self.done = [1]

    def stays_busy(self, _exc: BaseException) -> None:
        self.busy.append("run")

    def breaks(self, _exc: BaseException) -> None:
        self.broken = True

    def complains(self, _exc: BaseException) -> None:
        logging.getLogger("infrastructure").error("lost something")

    def leaks_a_task(self, _exc: BaseException) -> None:
        self.kept.append(asyncio.ensure_future(asyncio.sleep(5)))

    def leaks_a_thread(self, _exc: BaseException) -> None:
        end = threading.Event()
        threading.Thread(target=end.wait, args=(5,), daemon=True).start()
        self.kept.append(end)

    def leaks_a_file(self, _exc: BaseException) -> None:
        self.kept.append(tempfile.TemporaryFile())  # noqa: SIM115 - that it stays open is the point


def scenario(methods: tuple[str, ...] = ("run",), least: int = 2) -> Scenario:
    scenarios = Scenarios()

    @scenarios.of(*methods, least=least)
    async def whole_or_not(backend: Backend) -> Steps:
        yield lambda: backend.run()  # noqa: PLW0108 - it is looked up when it is called
        assert backend.done in ([], [1, 2])

    return scenarios[0]


async def sweep(damage: str, what: Scenario) -> None:
    backends: list[Backend] = []

    def make() -> Backend:
        backends.append(Backend(damage))
        return backends[-1]

    async def works(backend: Backend) -> None:
        assert not backend.broken

    try:
        await Stage(make, works, lambda backend: {"busy": backend.busy}).sweep(what)
    finally:
        for kept in [each for backend in backends for each in backend.kept]:
            end = getattr(kept, "cancel", None) or getattr(kept, "set", None) or kept.close
            end()


async def test_a_sound_backend_passes() -> None:
    """Nothing is reported where nothing is wrong."""
    await sweep("none", scenario())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("translates", "did not come out"),
        ("tears", r"assert \[1\] in "),
        ("stays_busy", "'busy': \\['run'\\]"),
        ("breaks", "assert not True"),
        ("complains", "lost something"),
        ("leaks_a_task", "still so after .*sleep"),
        ("leaks_a_thread", "still so after .*Thread"),
        ("leaks_a_file", "still so after"),
    ],
)
async def test_damage_is_found(monkeypatch: pytest.MonkeyPatch, damage: str, told: str) -> None:
    """Whatever was lost, torn, leaked or left waiting."""
    monkeypatch.setattr("tests.faults._watch.PATIENCE", 0.02)

    with pytest.raises(AssertionError, match=told):
        await sweep(damage, scenario())


async def test_a_scenario_that_proves_nothing_is_found() -> None:
    """It does not call what it says, or does not suspend as often as it says."""
    with pytest.raises(AssertionError, match=r"does not call .*stop"):
        await sweep("none", scenario(methods=("run", "stop")))

    with pytest.raises(AssertionError, match="suspended 2 times only"):
        await sweep("none", scenario(least=3))


def test_a_method_without_scenario_is_found() -> None:
    """Those of base classes too, and ``async with``."""

    class Larger(Backend):
        async def __aenter__(self) -> None: ...

    assert {"connect", "disconnect", "run", "__aenter__"} <= public_methods(Larger)
    assert Scenarios([scenario()]).missing(Larger) >= {"connect", "disconnect", "__aenter__"}
    assert "run" not in Scenarios([scenario()]).missing(Larger)
