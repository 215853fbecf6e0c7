"""In which slot of a Cluster a key is, and the name of a key's lease in the same one."""

from __future__ import annotations

from binascii import crc_hqx
from functools import lru_cache

__all__ = ["SLOTS", "key_slot", "lock_name"]

SLOTS = 16384

# 0xff is in no text of UTF-8: no key of ours is such a name, and scan_keys skips it.
_MARK = b"\xfflock:"
_END = b"\xff"


def key_slot(key: bytes) -> int:
    """Return the slot of ``key``: the CRC of what stands in its first braces, or of all of it."""
    start = key.find(b"{")

    if start >= 0:
        end = key.find(b"}", start + 1)

        if end > start + 1:
            return crc_hqx(key[start + 1 : end], 0) & 0x3FFF

    return crc_hqx(key, 0) & 0x3FFF


def lock_name(prefix: str, key: str, *, clustered: bool) -> bytes:
    """Return the name of the lease of ``prefix + key``; it begins with the prefix, as ACLs ask.

    Two keys of one prefix never have the same. In a Cluster it is in the slot of the key.
    """
    head, rest = prefix.encode(), key.encode()

    if not clustered:
        return head + _MARK + rest

    whole = head + rest
    at = _place(whole, len(head))
    name = whole[:at] + _MARK + whole[at:]
    slot = key_slot(whole)

    if key_slot(name) == slot:
        return name

    # Without a tag all bytes count: two more bring the sum to what it was. A mark of their own
    # keeps this from being the name of a longer key.
    name += _END
    return name + _ending(crc_hqx(name, 0), slot)


def _place(whole: bytes, size: int) -> int:
    """Return where a mark may stand: behind the prefix, and behind braces that begin in it."""
    start = whole.find(b"{", 0, size)
    return size if start < 0 else max(size, whole.find(b"}", start) + 1)


def _ending(crc: int, slot: int) -> bytes:
    """Return the two bytes that lead from ``crc`` into ``slot`` and close no brace.

    Each of the four sums of a slot needs other bytes, and differing in both of them: at least
    two are without a brace.
    """
    found = ((crc ^ back).to_bytes(2, "big") for back in _before(slot))
    return next(ending for ending in found if b"}" not in ending)


@lru_cache(maxsize=SLOTS)
def _before(slot: int) -> tuple[int, ...]:
    """Return the sums that two NUL bytes turn into those of ``slot``."""
    return tuple(_divided(crc) for crc in range(slot, 1 << 16, SLOTS))


def _divided(crc: int) -> int:
    # The register of the CRC, 16 bits backwards.
    for _ in range(16):
        crc = (crc ^ 0x11021 if crc & 1 else crc) >> 1

    return crc
