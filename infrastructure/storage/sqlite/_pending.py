"""The jobs of one thread that nobody has an answer to yet, and the one timer for their deadlines."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable
from contextvars import Context
from typing import Optional

from ._jobs import Job, expire

__all__ = ["Pending"]


class Pending:
    """Expires each job at its deadline; a job that is answered in time costs no timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: dict[Job, None] = {}
        self._timer: Optional[asyncio.TimerHandle] = None
        # When the timer goes off: no job expires before it.
        self._next = math.inf

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        """Wait for the answer to ``job``."""
        self._jobs[job] = None

        if job.expires < self._next:
            self._arm(job.expires)

    def remove(self, jobs: Iterable[Job]) -> None:
        """Wait for them no more. The timer stays: the next job has a later deadline mostly."""
        for job in jobs:
            self._jobs.pop(job, None)

    def clear(self) -> list[Job]:
        """Return all jobs and wait for none."""
        jobs = list(self._jobs)
        self._jobs.clear()
        self._arm(math.inf)
        return jobs

    def _arm(self, instant: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

        self._next = instant

        if instant != math.inf:
            wait = max(0.0, instant - time.monotonic())
            self._timer = self._loop.call_later(wait, self._sweep, context=Context())

    def _sweep(self) -> None:
        now = time.monotonic()

        for job in [job for job in self._jobs if job.expires <= now]:
            del self._jobs[job]
            expire(job)

        self._arm(min((job.expires for job in self._jobs), default=math.inf))
