"""Messages of Kafka as records: ours, and those that others have written."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Message

from infrastructure.messaging._record import Partition, Record
from infrastructure.messaging.kafka._records import Reading, headers_of
from infrastructure.messaging.letters import DeadLetter

MSGPACK = "application/vnd.infrastructure.v1+msgpack"


def message(number: int = 0, topic: str = "t", **parts: Any) -> Message:
    usual: dict[str, Any] = {"value": b"v", "key": None, "headers": None, "timestamp": (1, 1500)}
    return Message(topic=topic, partition=number, **{"offset": 7, **usual, **parts})


def record(**parts: Any) -> Record:
    [(_, [found])] = Reading("").batch([message(**parts)])
    return found


def test_ours_comes_back() -> None:
    """Key, headers, encoding, time and size."""
    headers = headers_of(MSGPACK, {"trace": "سلام"})
    found = record(key=b"k", headers=headers)
    assert (found.key, found.payload, found.offset) == ("k", b"v", 7)
    assert (found.encoding, found.headers) == (MSGPACK, {"trace": "سلام"})
    assert found.timestamp == 1.5
    assert found.size == len(b"vktrace") + len("سلام".encode())


def test_a_content_type_of_the_users_is_one_of_his_headers() -> None:
    """The first names the encoding, further ones are his."""
    headers = headers_of(MSGPACK, {"content-type": "text/html"})
    found = record(headers=headers)
    assert (found.encoding, found.headers) == (MSGPACK, {"content-type": "text/html"})


@pytest.mark.parametrize(
    ("headers", "encoding", "shown"),
    [
        (None, "", None),
        ([], "", None),
        ([("a", b"b")], "", {"a": "b"}),
        ([("a", None)], "", {"a": ""}),
        ([("a", b"\xff")], "", {"a": b"\xff"}),
        ([("content-type", b"text/html")], "", {"content-type": "text/html"}),
        ([("content-type", None)], "", {"content-type": ""}),
        ([("content-type", b"application/json")], "application/json", None),
        (
            [
                ("trace", b"1"),
                ("content-type", b"application/json"),
                ("content-type", b"text/html"),
            ],
            "application/json",
            {"trace": "1", "content-type": "text/html"},
        ),
        (
            [("trace", b"1"), ("content-type", b"text/html")],
            "",
            {"trace": "1", "content-type": "text/html"},
        ),
    ],
)
def test_headers_from_elsewhere(headers: Any, encoding: str, shown: Any) -> None:
    """Nothing is guessed: an encoding that we know has to be named."""
    found = record(headers=headers)
    assert (found.encoding, found.headers) == (encoding, shown)


def test_what_is_no_text_stays_bytes() -> None:
    """A key, and a payload that is not there is nothing."""
    found = record(key=b"\xff", value=None, timestamp=(0, -1))
    assert (found.key, found.payload, found.encoding) == (b"\xff", None, None)
    assert found.timestamp is None


def test_an_encoding_of_the_users_own_is_known() -> None:
    """By its content type."""
    reading = Reading("text/x-own")
    [(_, [found])] = reading.batch([message(headers=[("content-type", b"text/x-own")])])
    assert found.encoding == "text/x-own"


def test_they_are_sorted_by_partition() -> None:
    """Each in its order, the partition always the same object."""
    reading = Reading("")
    runs = [(0, "t", 1), (0, "t", 2), (1, "t", 1), (0, "u", 5), (0, "t", 3)]
    batch = reading.batch([message(n, topic, offset=at) for n, topic, at in runs])
    assert [(p.topic, p.number, [r.offset for r in found]) for p, found in batch] == [
        ("t", 0, [1, 2, 3]),
        ("t", 1, [1]),
        ("u", 0, [5]),
    ]
    assert reading.partition("t", 0) is batch[0][0]


class Unreadable:
    """A message as the driver gives it whose header has a name that is no UTF-8."""

    def __init__(self) -> None:
        self.asked = 0
        self._real = message()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def headers(self) -> None:
        self.asked += 1
        msg = "returned a result with an exception set"
        raise SystemError(msg)


def test_headers_that_the_driver_cannot_tell_are_none() -> None:
    """It is asked once: the second time it would crash. The message arrives."""
    strange = Unreadable()
    [(_, [found])] = Reading("").batch([strange])
    assert (found.payload, found.headers, found.encoding) == (b"v", None, "")
    assert strange.asked == 1


@pytest.mark.parametrize("milliseconds", [2**62, 2**53])
def test_a_time_that_is_none_is_not_told(milliseconds: int) -> None:
    """Who asks for the message's story gets it without."""
    found = record(timestamp=(1, milliseconds))
    assert found.info(1).timestamp is None


def letter(**headers: str | bytes) -> DeadLetter:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return DeadLetter.of(Record(Partition("t.dlq", 0), 3, "k", b"v", named, None, "", 2))


def test_a_letter_tells_what_its_headers_tell() -> None:
    """And keeps the message's own apart."""
    found = letter(
        infrastructure_origin_topic="t",
        infrastructure_origin_partition="2",
        infrastructure_origin_offset="9",
        infrastructure_group="g",
        infrastructure_handler=b"m.h\xff",
        trace="x",
    )
    assert found.origin == ("t", "2", "9")
    assert (found.group, found.handler) == ("g", "m.h\ufffd")
    assert found.headers == {"trace": "x"}


def test_what_goes_back_is_the_message_and_whom_it_is_for() -> None:
    """Without what was told of its failure."""
    found = letter(
        infrastructure_group="g", infrastructure_handler="h", infrastructure_error="E", trace="x"
    )
    back = found.replayed()
    assert (back.key, back.payload) == ("k", b"v")
    assert back.headers == {
        "trace": "x",
        "infrastructure-replay-group": "g",
        "infrastructure-replay-handler": "h",
    }


def test_a_letter_of_nobody_is_for_everybody() -> None:
    """Where no group and no handler are known."""
    assert letter(trace="x").replayed().headers == {"trace": "x"}


@pytest.mark.parametrize(
    ("encoding", "payload", "shown"),
    [
        ("application/json", b'{"a":1}', {"a": 1}),
        ("application/json", b"{", b"{"),
        ("", b"v", b"v"),
    ],
)
def test_the_payload_of_a_letter(encoding: str, payload: bytes, shown: Any) -> None:
    """Decoded where it can be."""
    record = Record(Partition("t.dlq", 0), 3, None, payload, None, None, encoding, 1)
    assert DeadLetter.of(record).payload == shown
