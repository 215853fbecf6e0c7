"""Slots are those of the servers, and a lease is in the slot of its key."""

from __future__ import annotations

import pytest
from redis.crc import key_slot as slot_of_the_driver

from infrastructure.caching.redis._slots import SLOTS, key_slot, lock_name


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        (b"123456789", 0x31C3),
        (b"foo", 12182),
        (b"{user1000}.following", 3443),
        (b"{user1000}.followers", 3443),
        (b"foo{}{bar}", 8363),
        (b"foo{{bar}}zap", 4015),
        (b"foo{bar}{zap}", 5061),
    ],
)
def test_slots_are_those_of_the_specification(key, slot) -> None:
    """Its examples, with the numbers that a server gives."""
    assert key_slot(key) == slot == slot_of_the_driver(key)


@pytest.mark.parametrize("clustered", [False, True])
def test_a_lease_has_a_name_that_no_key_has(clustered) -> None:
    """Under the prefix, and not in UTF-8."""
    name = lock_name("اپ:", "کلید", clustered=clustered)
    assert name.startswith("اپ:".encode() + b"\xfflock:" + "کلید".encode())

    with pytest.raises(UnicodeDecodeError):
        name.decode()


def test_without_a_cluster_the_name_is_plain() -> None:
    """Whatever braces there are."""
    assert lock_name("a{", "b}c", clustered=False) == b"a{\xfflock:b}c"


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("a:", "{b}c", b"a:\xfflock:{b}c"),
        ("{a}", "b}{c}", b"{a}\xfflock:b}{c}"),
        ("{a", "b}c", b"{ab}\xfflock:c"),
        ("{", "{b}c}", b"{{b}\xfflock:c}"),
    ],
)
def test_a_tag_is_left_whole(prefix, key, name) -> None:
    """In the prefix, in the key or over both."""
    assert lock_name(prefix, key, clustered=True) == name
    assert key_slot(name) == key_slot((prefix + key).encode())


@pytest.mark.parametrize(
    ("prefix", "begins"),
    [("", b"\xfflock:"), ("{", b"{\xfflock:"), ("{}", b"{}\xfflock:"), ("}{a", b"}{a\xfflock:")],
)
def test_a_key_without_a_tag_has_its_lease_in_its_slot(prefix, begins) -> None:
    """Of so many keys some need other bytes than the first ones, which would close the brace."""
    names = set()

    for number in range(2_000):
        name = lock_name(prefix, str(number), clustered=True)
        assert name.startswith(begins + str(number).encode())
        assert key_slot(name) == key_slot((prefix + str(number)).encode())
        names.add(name)

    assert len(names) == 2_000


@pytest.mark.slow
def test_every_slot_is_reached() -> None:
    """From any name: not one of them lacks the bytes that lead to it."""
    reached = set()

    for number in range(60 * SLOTS):
        slot = key_slot(b"%d" % number)

        if slot not in reached:
            reached.add(slot)
            assert key_slot(lock_name("", str(number), clustered=True)) == slot

        if len(reached) == SLOTS:
            break

    assert len(reached) == SLOTS
