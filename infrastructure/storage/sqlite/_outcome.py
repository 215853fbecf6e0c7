"""What became of a job, in our errors."""

from __future__ import annotations

import asyncio
import builtins
import sqlite3
from typing import Any

from ...interfaces.exceptions import InfrastructureError, TimeoutError
from ._jobs import GaveUp, Job, StalePlan
from .errors import sqlite_error

__all__ = ["outcome_of"]


async def outcome_of(job: Job, tried: str) -> Any:
    """Return the result of ``job``; its error, and its time-out, come as ours."""
    try:
        return await job.future
    except asyncio.CancelledError:
        job.give_up()
        raise
    except (InfrastructureError, StalePlan):
        raise
    except GaveUp as exc:
        msg = f"{tried}: the deadline passed while the statement waited for SQLite's thread"
        raise TimeoutError(msg, retryable=True, outcome="not_applied") from exc
    except builtins.TimeoutError as exc:
        msg = f"{tried}: the deadline passed and SQLite did not stop in time"
        raise TimeoutError(msg, outcome="unknown", sqlstate="57014") from exc
    except sqlite3.Error as exc:
        raise sqlite_error(exc, tried) from exc
