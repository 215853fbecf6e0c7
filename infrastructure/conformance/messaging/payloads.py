"""Payloads: exact types, a copy for everybody, and what is known beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ...interfaces import (
    Message,
    OperationError,
    ValidationError,
    current_message,
    current_messages,
)
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from .._values import DEEP, PROBES, same
from ._expect import raises
from ._inbox import Inbox, patience, topic

__all__ = [
    "M2_child_task_of_a_handler_knows_its_message",
    "M2_every_type_arrives_exactly",
    "M2_handler_is_told_key_and_headers",
    "M2_handlers_do_not_share_a_payload",
    "M2_json_codec_carries_json_and_nothing_else",
    "M2_no_message_is_known_outside_a_handler",
    "M2_other_types_are_refused",
    "M2_payload_alone_has_no_key_and_no_headers",
    "M2_publisher_may_change_its_payload_afterwards",
    "M2_raw_codec_carries_bytes_as_they_are",
    "M2_retry_gets_a_fresh_payload_of_the_same_message",
    "M2_two_messages_have_two_ids",
]


@check()
async def M2_every_type_arrives_exactly(harness: MessagingHarness) -> None:
    """Each value of the contract's types comes out with the same type and value."""
    name, inbox, probes = topic("types"), Inbox(), {**PROBES, "deep": DEEP}

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)

        for label, value in probes.items():
            await messaging.publish(name, Message(value, key="k", headers={"label": label}))

        got = await inbox.wait(len(probes))

    labels = [str(info.headers["label"]) for info in inbox.infos]
    wrong = {
        label: value
        for label, value in zip(labels, got, strict=True)
        if not same(value, probes[label])
    }
    assert not wrong, f"arrived changed: {wrong!r:.500}"


@check()
async def M2_other_types_are_refused(harness: MessagingHarness) -> None:
    """A payload of a type outside the contract is a ``ValidationError`` of publish."""
    async with harness.make() as messaging:
        for payload in (object(), {1: object()}, [bytearray(b"x")], lambda: None):
            call = messaging.publish(topic("refused"), payload)
            error = await raises(ValidationError, call, f"publish of {payload!r}")
            assert error.outcome == "not_applied", f"outcome is {error.outcome!r}"


@check()
async def M2_handler_is_told_key_and_headers(harness: MessagingHarness) -> None:
    """``current_message()`` gives topic, key and headers as they were published."""
    name, inbox = topic("told"), Inbox()
    headers = {"trace": "abc", "عنوان": "سلام\u200cدنیا", "empty": ""}

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, Message(1, key="کلید\u200c", headers=headers))
        await inbox.wait(1)

    info = inbox.infos[0]
    assert (info.topic, info.key, info.attempt) == (name, "کلید\u200c", 1), info
    assert dict(info.headers) == headers, f"headers arrived as {info.headers}"
    assert info.timestamp is None or info.timestamp.tzinfo is not None, "a naive timestamp"


@check()
async def M2_payload_alone_has_no_key_and_no_headers(harness: MessagingHarness) -> None:
    """What is no ``Message`` is a payload without key and headers."""
    name, inbox = topic("alone"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, {"payload": 1})
        await inbox.wait(1)

    assert (inbox.infos[0].key, dict(inbox.infos[0].headers)) == (None, {}), inbox.infos


@check()
async def M2_two_messages_have_two_ids(harness: MessagingHarness) -> None:
    """The id of a message is its own, also where payload and key are the same."""
    name, inbox = topic("ids"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)

        for _ in range(20):
            await messaging.publish(name, Message("same", key="same"))

        await inbox.wait(20)

    ids = [info.id for info in inbox.infos]
    assert len(set(ids)) == 20, f"20 messages have the ids {ids}"


@check()
async def M2_handlers_do_not_share_a_payload(harness: MessagingHarness) -> None:
    """What one handler does to its payload, the other does not see."""
    name, seen = topic("share"), Inbox()

    async def vandal(payload: list[int]) -> None:
        payload.clear()
        await seen(payload)

    async def witness(payload: list[int]) -> None:
        await seen(payload)

    async with harness.make() as messaging:
        await messaging.subscribe(name, vandal)
        await messaging.subscribe(name, witness)
        await messaging.publish(name, [1, 2])
        got = await seen.wait(2)

    assert sorted(got) == [[], [1, 2]], f"the handlers saw {got}"


@check()
async def M2_publisher_may_change_its_payload_afterwards(harness: MessagingHarness) -> None:
    """The message is what it was when publish was called."""
    name, inbox = topic("afterwards"), Inbox()
    payload, headers = [1, 2], {"h": "before"}

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, Message(payload, headers=headers))
        payload.clear()
        headers["h"] = "after"
        equal(await inbox.wait(1), [[1, 2]])

    equal(dict(inbox.infos[0].headers), {"h": "before"})


@check()
async def M2_child_task_of_a_handler_knows_its_message(harness: MessagingHarness) -> None:
    """``current_message()`` works in a task that the handler started."""
    name = topic("child")
    told: asyncio.Future[str | bytes | None] = asyncio.get_running_loop().create_future()

    async def key_of() -> str | bytes | None:
        return current_message().key

    async def handler(_: Any) -> None:
        told.set_result(await asyncio.create_task(key_of()))

    async with harness.make() as messaging:
        await messaging.subscribe(name, handler)
        await messaging.publish(name, Message(1, key="mine"))

        async with patience(lambda: "the key that the child was told"):
            equal(await told, "mine")


@check()
async def M2_no_message_is_known_outside_a_handler(harness: MessagingHarness) -> None:
    """``current_message()`` outside a handler is an ``OperationError``."""
    name, inbox = topic("outside"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, 1)
        await inbox.wait(1)

        async def ask(known: Callable[[], object]) -> object:
            return known()

        for known in (current_message, current_messages):
            await raises(OperationError, ask(known), f"{known.__name__}() outside a handler")


@check(feature="retries")
async def M2_retry_gets_a_fresh_payload_of_the_same_message(harness: MessagingHarness) -> None:
    """What a failed attempt did to its payload is gone; the id stays, the attempt grows."""
    name, seen = topic("fresh"), Inbox()

    async def handler(payload: list[int]) -> None:
        await seen(list(payload))
        payload.clear()

        if current_message().attempt == 1:
            raise ValueError("once")

    async with harness.make(backoff=(0.01, 0.02)) as messaging:
        await messaging.subscribe(name, handler)
        await messaging.publish(name, [1, 2])
        equal(await seen.wait(2), [[1, 2], [1, 2]])

    assert len({info.id for info in seen.infos}) == 1, f"ids: {[i.id for i in seen.infos]}"


@check(feature="codecs")
async def M2_json_codec_carries_json_and_nothing_else(harness: MessagingHarness) -> None:
    """``codec="json"`` keeps what JSON has and refuses the rest, never bending it."""
    name, inbox = topic("json"), Inbox()
    value = {"a": [1, 2.5, None, True, "سلام"]}

    async with harness.make(codec="json") as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, value)
        assert same((await inbox.wait(1))[0], value)

        for payload in (b"bytes", (1, 2), {1: 2}, float("nan")):
            call = messaging.publish(name, payload)
            await raises(ValidationError, call, f"codec='json' with {payload!r}")


@check(feature="codecs")
async def M2_raw_codec_carries_bytes_as_they_are(harness: MessagingHarness) -> None:
    """``codec="raw"`` takes bytes only and gives the same ones."""
    name, inbox = topic("raw"), Inbox()

    async with harness.make(codec="raw") as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, b"\x00{}")
        equal(await inbox.wait(1), [b"\x00{}"])
        await raises(ValidationError, messaging.publish(name, "text"), "codec='raw' with a str")
