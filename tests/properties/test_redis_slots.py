"""Whatever braces prefix and key have, a lease is where its key is and is no other's."""

from __future__ import annotations

from hypothesis import example, given, strategies as st
from redis.crc import key_slot as slot_of_the_driver

from infrastructure.caching.redis._slots import key_slot, lock_name

texts = st.text(alphabet="{}ab:س\0", max_size=8) | st.text(max_size=20)


@given(st.binary(max_size=20) | texts.map(str.encode))
def test_slots_are_those_of_the_driver(key: bytes) -> None:
    """For any bytes."""
    assert key_slot(key) == slot_of_the_driver(key)


@given(texts, texts)
@example("{", "}a")
@example("{}", "{a}")
@example("}", "{a")
def test_a_lease_is_in_the_slot_of_its_key(prefix: str, key: str) -> None:
    """Under the prefix."""
    name = lock_name(prefix, key, clustered=True)
    assert name.startswith(prefix.encode())
    assert slot_of_the_driver(name) == slot_of_the_driver((prefix + key).encode())


@given(texts, texts, texts, st.booleans())
def test_two_keys_have_two_leases(prefix: str, key: str, other: str, clustered: bool) -> None:
    """Under one prefix."""
    names = {lock_name(prefix, each, clustered=clustered) for each in (key, other)}
    assert len(names) == len({key, other})


@given(texts, texts)
def test_the_lease_of_a_key_has_no_name_of_a_key(prefix: str, key: str) -> None:
    """Nor is the end of the name what makes another key's: the bytes before it are not UTF-8."""
    name = lock_name(prefix, key, clustered=True)
    plain = lock_name(prefix, key, clustered=False)
    assert name.count(b"\xff") >= 1
    assert len(name) in (len(plain), len(plain) + 3)
    assert name[len(plain) :][:1] in (b"", b"\xff")
