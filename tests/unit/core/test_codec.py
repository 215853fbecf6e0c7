"""Values keep their exact type, what is refused is named, and damage is an error, never a guess."""

from __future__ import annotations

import datetime as dt
import importlib.util
import math
import random
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import ormsgpack
import pytest

from infrastructure._core import _msgpack, _program
from infrastructure._core.codec import (
    MAX_DEPTH,
    MAX_VALUE,
    JsonCodec,
    MsgpackCodec,
    RawCodec,
    codec_of,
    decode,
    encode,
    is_atom,
)
from infrastructure.conformance._values import PROBES, same
from infrastructure.interfaces import ConfigurationError, OperationError, ValidationError


def nested(depth: int, wrap: Any) -> Any:
    value: Any = 1

    for _ in range(depth):
        value = wrap(value)

    return value


@pytest.mark.parametrize("name", PROBES)
def test_every_type_comes_back_exactly(name: str) -> None:
    """Alone, in a list, a tuple, a dict and under a key that forces the slow way."""
    value = PROBES[name]

    for whole in (value, [value], (value,), {"a": value}, {1: value}, {1: [(value,)]}):
        assert same(decode(encode(whole)), whole)


@pytest.mark.parametrize(
    "wrap", [lambda v: [v], lambda v: (v,), lambda v: {"a": v}, lambda v: {1: v}]
)
def test_values_nest_to_the_promised_depth(wrap) -> None:
    """MAX_DEPTH containers of any kind in each other are kept."""
    value = nested(MAX_DEPTH, wrap)
    assert decode(encode(value)) == value


@pytest.mark.parametrize("depth", [300, 3000])
@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: {1: v}])
def test_what_nests_deeper_is_refused(wrap, depth) -> None:
    """Too deep is a ValidationError, however deep."""
    with pytest.raises(ValidationError, match="deep"):
        encode(nested(depth, wrap))


def test_a_value_that_contains_itself_is_refused() -> None:
    """Directly, and through other containers."""
    circular: list[Any] = []
    circular.append(circular)
    loop: dict[Any, Any] = {}
    loop[1] = (loop,)

    for value in (circular, {"a": [circular]}, loop):
        with pytest.raises(ValidationError, match="contains itself"):
            encode(value)


def test_a_part_that_occurs_twice_is_no_circle() -> None:
    """Shared parts become copies."""
    shared = [1]
    value = {1: shared, 2: shared}
    got = decode(encode(value))
    assert got == value
    assert got[1] is not got[2]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (object(), "value is of type object"),
        ({"a": [0, 0, 0, bytearray()]}, r"value\['a'\]\[3\] is of type bytearray"),
        ([{1, 2}, (1,), object()], r"value\[2\] is of type object"),
        ([memoryview(b"")], r"value\[0\] is of type memoryview"),
        ({"a": {1: (1, 1j)}}, r"value\['a'\]\[1\]\[1\] is of type complex"),
        ([{(1, 2): 3}], r"a key of value\[0\] is of type tuple"),
        ({True: {frozenset(): 1}}, r"a key of value\[True\] is of type frozenset"),
        ([{1, 2, len}], r"an element of value\[0\] is of type builtin_function"),
        ({"k": ["\ud800"]}, r"value\['k'\]\[0\] cannot be encoded in UTF-8"),
        ({"\ud800": 1}, "the key .* of value cannot be encoded in UTF-8"),
        ([dt.time(tzinfo=type("Zone", (dt.tzinfo,), {})())], r"value\[0\] has a tzinfo of type"),
        ([b"x", type("Bytes", (bytes,), {})()], r"value\[1\] is of type .*Bytes"),
        ({"a": (bytearray(b"x"),)}, r"value\['a'\]\[0\] is of type bytearray"),
    ],
)
def test_the_error_names_the_path_to_what_is_refused(value, path) -> None:
    """Type and place, from the root that the caller names."""
    with pytest.raises(ValidationError, match=path):
        encode(value)

    with pytest.raises(ValidationError, match="payload"):
        encode(value, what="payload")


def test_a_zone_name_that_is_not_text_is_refused() -> None:
    """The one part of a legal type that can hold a lone surrogate unseen."""
    zone = dt.timezone(dt.timedelta(hours=1), "\ud800")

    with pytest.raises(ValidationError, match="cannot be encoded"):
        encode(dt.datetime(2024, 1, 1, tzinfo=zone))


def test_a_zone_without_a_key_is_refused(tmp_path) -> None:
    """ZoneInfo.from_file may have none: nothing to write down."""
    with pytest.raises(ValidationError, match="with a key"):
        encode(dt.datetime(2024, 1, 1, tzinfo=_keyless()))

    assert not is_atom(dt.datetime(2024, 1, 1, tzinfo=_keyless()))


def _keyless() -> ZoneInfo:
    import io

    # The smallest TZif file: version 1, one type, UTC.
    head = b"TZif" + bytes(16) + (0).to_bytes(4, "big") * 2 + (0).to_bytes(4, "big") * 2
    head += (1).to_bytes(4, "big") + (4).to_bytes(4, "big")
    return ZoneInfo.from_file(io.BytesIO(head + bytes(6) + b"UTC\0"))


def test_bytes_that_look_like_markers_are_kept() -> None:
    """The look for byte-likes errs on no legal value."""
    for value in (
        b"\xc4",
        ["\u0110", 1.5, b"\xc5\xc6"],
        {1: b"\xc4"},
        [[b"x"], (b"y", {"z": b""})],
    ):
        assert same(decode(encode(value)), value)


def test_the_size_is_bounded() -> None:
    """By 16 MiB encoded, or by what the caller allows."""
    assert len(encode(b"x" * (MAX_VALUE - 6))) <= MAX_VALUE

    with pytest.raises(ValidationError, match="16777222 bytes"):
        encode(b"x" * MAX_VALUE)

    with pytest.raises(ValidationError, match=r"the message takes .* 10 are allowed"):
        encode("x" * 20, limit=10, what="the message")


def test_what_follows_the_value_is_noticed_whatever_it_begins_with() -> None:
    """The end of a value is known in one process only: stored data cannot bring one along."""
    data = encode([1])
    name = f"{_msgpack.__package__}._msgpack_of_another_process"
    spec = importlib.util.spec_from_file_location(name, _msgpack.__file__)
    assert spec is not None
    assert spec.loader is not None
    other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)

    for end in (b"\xa1\x03", b"\xa0", b"\xc0", b"\x02", other._PACKED_END):
        with pytest.raises(OperationError, match="something follows the value"):
            decode(data + end + b"anything")


def test_utc_is_the_singleton() -> None:
    """What most applications store is compared by ``is``."""
    got = decode(encode(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)))
    assert got.tzinfo is dt.UTC


@pytest.mark.parametrize("value", [None, {"a": [1, (2,)]}, {1: {2: {3}}}, Decimal(1), "text"])
def test_every_damaged_prefix_and_tail_is_an_error(value) -> None:
    """Cut anywhere, or with something behind it, data is not ours."""
    data = encode(value)

    for end in range(len(data)):
        with pytest.raises(OperationError):
            decode(data[:end])

    for tail in (b"\0", b"\xc0", data, b"\x91" * 2000):
        with pytest.raises(OperationError):
            decode(data + tail)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain",
        b"\x80\x04N.",
        b"\x80\x05K\x01.",
        b'{"a": 1}',
        b"\x92\xdd\xff\xff\xff\xff",
        b"\x92\xdf\xff\xff\xff\xff",
        b"\x92\xc6\xff\xff\xff\xff",
        b"\x92\xc9\xff\xff\xff\xff\x01",
        b"\x92" + b"\x91" * 100_000 + b"\xc0",
        b"\x92\xc1",
        b"\x92\x81\x01\x02",
        b"\x92\x81\x91\xc0\xc0",
        b"\x92\xd4\x63\x00",
        b"\x92\xd4\x02\xff",
        b"\x92\xd4\x03\xff",
        b"\x92\xd4\x09\x01",
        b"\x92" + ormsgpack.packb(ormsgpack.Ext(11, ormsgpack.packb([[1]]))),
        b"\x92" + ormsgpack.packb(ormsgpack.Ext(13, ormsgpack.packb([1, 2]))),
        b"\x92" + ormsgpack.packb(ormsgpack.Ext(13, ormsgpack.packb([]))),
        b"\x92" + ormsgpack.packb(ormsgpack.Ext(13, ormsgpack.packb(7))),
        b"\x92" + ormsgpack.packb(ormsgpack.Ext(13, ormsgpack.packb([ormsgpack.Ext(99, b"\1")]))),
        b"\x92"
        + ormsgpack.packb(ormsgpack.Ext(13, ormsgpack.packb([1, ormsgpack.Ext(22, b"\1")]))),
        b"\x92"
        + ormsgpack.packb(ormsgpack.Ext(13, ormsgpack.packb([1, ormsgpack.Ext(18, b"\2")]))),
        b"\x92"
        + ormsgpack.packb(ormsgpack.Ext(13, ormsgpack.packb([[], 1, ormsgpack.Ext(22, b"\2")]))),
        b"\x92" + ormsgpack.packb(ormsgpack.Ext(18, b"\0")),
    ],
)
def test_what_is_not_ours_is_an_operation_error(data) -> None:
    """Foreign, forged or huge by its own word: one kind of error, and at once."""
    with pytest.raises(OperationError) as caught:
        decode(data)

    assert "stored data" in str(caught.value)


def test_forged_nesting_does_not_overflow_the_stack() -> None:
    """Tuples in tuples are hashed by recursion: a set of a million levels must not be built."""
    step = ormsgpack.packb(ormsgpack.Ext(19, b"\x01"))
    count = 200_000
    body = b"\xdd" + (count + 2).to_bytes(4, "big") + b"\x01" + step * count
    body += ormsgpack.packb(ormsgpack.Ext(20, b"\x01"))

    with pytest.raises(OperationError):
        decode(b"\x92" + ormsgpack.packb(ormsgpack.Ext(13, body)))

    data = ormsgpack.packb(1)

    for _ in range(50):
        data = ormsgpack.packb(ormsgpack.Ext(10, b"\x91" + data))

    with pytest.raises(OperationError):
        decode(b"\x92" + data)


def test_random_damage_is_never_another_exception() -> None:
    """Any byte changed: a value, or an OperationError."""
    rnd = random.Random(7)
    samples = [encode(PROBES[name]) for name in PROBES]

    for _ in range(20_000):
        data = bytearray(rnd.choice(samples))

        for _ in range(rnd.randint(1, 3)):
            data[rnd.randrange(len(data))] = rnd.randrange(256)

        try:
            decode(bytes(data))
        except OperationError:
            continue


def test_an_error_of_the_codec_shows_no_stored_content() -> None:
    """The texts give sizes, not bytes."""
    with pytest.raises(OperationError) as caught:
        decode(b"secret password")

    assert "secret" not in str(caught.value)


def test_plain_values_take_no_python_walk(monkeypatch) -> None:
    """What msgpack carries by itself never reaches the slow way."""

    def fail(*_args: Any) -> None:
        pytest.fail("a plain value was walked")

    for name in ("_encode_flat", "_is_clean", "refuse"):
        monkeypatch.setattr(_msgpack, name, fail)

    value = {"id": 1, "name": "سلام", "tags": ["a", {"b": None}], "score": 2.0, "ok": True}
    assert decode(encode(value)) == value


def test_an_unencodable_rest_still_becomes_a_validation_error(monkeypatch) -> None:
    """Where nothing is found to blame, the encoder's own words are the text."""
    monkeypatch.setattr(_msgpack, "refuse", lambda *_args: None)

    with pytest.raises(ValidationError, match="value cannot be encoded"):
        encode(object())


def test_refusing_survives_a_low_recursion_limit(monkeypatch) -> None:
    """A RecursionError on the way is a ValidationError too."""
    from infrastructure._core import _refusal

    def exhausted(*_args: Any) -> None:
        raise RecursionError

    monkeypatch.setattr(_refusal, "_look", exhausted)

    with pytest.raises(ValidationError, match="too deep"):
        encode(object())


def test_atoms_are_immutable_and_within_bounds() -> None:
    """They may be kept without encoding; nothing else may."""
    atoms = [
        *(None, True, 0, 2**70, 1.5, "a", "س", b"x", dt.date.min, dt.timedelta(1), UUID(int=1)),
        *(dt.datetime(2024, 1, 1), dt.time(1), Decimal("1.5"), math.nan),  # noqa: DTZ001 - naive too
        dt.datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Tehran")),
    ]
    assert [value for value in atoms if not is_atom(value)] == []
    zone = type("Zone", (dt.tzinfo,), {})()
    others = [
        *([], (), {}, set(), frozenset(), object(), bytearray(), "\ud800", type("S", (str,), {})()),
        *("x" * (MAX_VALUE + 1), "س" * (MAX_VALUE // 2 + 1), b"x" * (MAX_VALUE + 1)),
        *(1 << 8 * MAX_VALUE, Decimal("1" * 200_000), dt.time(tzinfo=zone)),
    ]
    assert [index for index, value in enumerate(others) if is_atom(value)] == []


def test_a_program_with_a_dangling_key_is_damaged() -> None:
    """A forged dict closes over an odd number of items."""
    with pytest.raises(ValueError, match="scalar key"):
        _program.rebuild([1, 2, 3, _program.read_step(22, b"\x03")])


class TestOtherCodecs:
    """json and raw, for readers in other languages."""

    def test_json_keeps_what_json_carries(self) -> None:
        """Plain types, as text that any language reads."""
        codec = JsonCodec()
        value = {"a": [1, 2.5, None, True, "سلام"], "": {}}
        assert codec.encode(value) == '{"a":[1,2.5,null,true,"سلام"],"":{}}'.encode()
        assert codec.decode(codec.encode(value)) == value

    @pytest.mark.parametrize(
        "value", [(1,), {1: 2}, {"a": b"x"}, {1}, math.nan, [math.inf], Decimal(1), "\ud800"]
    )
    def test_json_bends_nothing(self, value) -> None:
        """What would come back as something else is refused."""
        with pytest.raises(ValidationError):
            JsonCodec().encode(value)

    @pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"NaN", b"[Infinity]", b"[" * 100_000])
    def test_what_is_not_json_is_an_operation_error(self, data) -> None:
        """NaN and Infinity are not JSON."""
        with pytest.raises(OperationError):
            JsonCodec().decode(data)

    def test_raw_takes_bytes_only(self) -> None:
        """They pass as they are, within the bound."""
        codec = RawCodec()
        assert codec.decode(codec.encode(b"\x00x")) == b"\x00x"

        with pytest.raises(ValidationError, match="takes bytes"):
            codec.encode("text")

        for small in (codec, JsonCodec()):
            with pytest.raises(ValidationError, match="2 are allowed"):
                small.encode(b"xxx" if small is codec else "xxx", limit=2)

    def test_codecs_have_names(self) -> None:
        """A name, or an object of one's own; other names are a ConfigurationError."""
        assert isinstance(codec_of("msgpack"), MsgpackCodec)
        assert codec_of("msgpack").decode(codec_of("msgpack").encode({1: 2})) == {1: 2}
        own = RawCodec()
        assert codec_of(own) is own
        assert len({codec_of(name).content_type for name in ("msgpack", "json", "raw")}) == 3

        with pytest.raises(ConfigurationError, match="json, msgpack, raw"):
            codec_of("pickle")
