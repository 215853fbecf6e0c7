"""A stopwatch leaves out the time in which a thread has no core, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infrastructure.conformance._stopwatch import Stopwatch, _queued, _reading

_SPIN = "while True: pass"


@contextmanager
def busy(programs: int) -> Iterator[None]:
    """Let that many programs compute on the core that this thread is kept on."""
    running = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(programs)]

    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def compute(seconds: float) -> None:
    """Use a core for so long."""
    until = time.thread_time() + seconds

    while time.thread_time() < until:
        pass


def test_what_is_slept_and_computed_counts() -> None:
    """Neither is time without a core."""
    watch = Stopwatch()
    time.sleep(0.05)
    compute(0.05)
    assert 0.1 <= watch.taken <= watch.passed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts it, and can pin a thread")
def test_what_others_compute_does_not_count() -> None:
    """Three others on its core: four times the time passes, a quarter of it is taken."""
    import os

    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})

    try:
        with busy(3):
            watch = Stopwatch()
            compute(0.2)
            taken, passed = watch.taken, watch.passed
    finally:
        os.sched_setaffinity(0, cores)

    assert 0.2 <= taken < passed / 2


def test_a_system_that_does_not_count_it(tmp_path: Path) -> None:
    """Nothing is left out there."""
    assert _queued(tmp_path / "schedstat") == 0.0


def test_a_wait_between_its_readings_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be left out of what has passed, or counted in it twice."""
    told = iter([1.0, 1.5, 1.5, 1.5])
    monkeypatch.setattr("infrastructure.conformance._stopwatch._queued", lambda: next(told))
    now, queued = _reading()
    assert queued == 1.5
    assert now <= time.monotonic()
    assert not list(told)
