"""Who leaves a group while it forms is its leader no more: not so on Tansu."""

from __future__ import annotations

import pytest

from .group_requests import group_requests
from .kafka_server import KafkaServer
from .running import OneProcess
from .tansu import LEADER_STAYS, Tansu

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "make",
    [
        KafkaServer,
        # Where it passes, nothing is beyond Tansu any more: BEYOND_TANSU goes.
        pytest.param(Tansu, marks=pytest.mark.xfail(reason=LEADER_STAYS, raises=AssertionError)),
    ],
)
async def test_a_leader_that_left_is_followed_by_who_joins(make: type[OneProcess]) -> None:
    """Else nobody hands out the partitions: who joins is told to wait for one who is gone."""
    async with make() as server, group_requests(server.host, server.port, "g") as group:
        first = await group.join()
        assert first.error == 0
        assert first.leader == first.member
        assert await group.leave(first) == 0
        second = await group.join()
        assert second.error == 0
        assert second.member != first.member
        assert (second.leader, await group.sync(second)) == (second.member, 0)
