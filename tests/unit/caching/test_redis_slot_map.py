"""Who has a slot by what nodes say: the newest claim counts, a node without an address is who was asked."""

from __future__ import annotations

from infrastructure.caching.redis._slot_map import Claim, read_claims, settled

ASKED = ("10.0.0.9", 7000)
NODES = (
    b"aa 10.0.0.1:7001@17001 myself,master - 0 0 5 connected 0-99\n"
    b"bb 10.0.0.2:7002@17002 slave aa 0 0 3 connected\n"
    b"short line\n"
)


def test_what_a_node_says() -> None:
    """Its ranges with primary, replicas and epoch; one that it does not list has the epoch 0."""
    slots = [
        [0, 99, [b"10.0.0.1", 7001, b"aa", []], [b"10.0.0.2", 7002, b"bb", []]],
        [100, 100, [b"10.0.0.3", 7003, b"cc"]],
    ]
    assert read_claims(slots, NODES, ASKED) == [
        Claim(5, 0, 99, ("10.0.0.1", 7001), (("10.0.0.2", 7002),)),
        Claim(0, 100, 100, ("10.0.0.3", 7003), ()),
    ]


def test_a_node_that_does_not_know_its_address() -> None:
    """It is the one that was asked, with the port that it tells."""
    for unknown in (b"", None):
        [claim] = read_claims([[0, 1, [unknown, 7001, b"aa"]]], NODES, ASKED)
        assert claim.peer == ("10.0.0.9", 7001)


def test_the_newest_claim_counts() -> None:
    """In whatever order they come; a slot that nobody claims has no owner."""
    old, new = ("old", 1), ("new", 2)
    claims = [Claim(7, 10, 19, new, ()), Claim(3, 0, 99, old, ()), Claim(1, 10, 10, old, ())]

    for order in (claims, claims[::-1]):
        owners = settled(order)
        assert owners[:10] == [old] * 10
        assert owners[10:20] == [new] * 10
        assert owners[20:100] == [old] * 80
        assert set(owners[100:]) == {None}
        assert len(owners) == 16384


def test_nobody_claims() -> None:
    """No slot has an owner."""
    assert set(settled([])) == {None}
