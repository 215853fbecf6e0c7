"""Dead letters: the message as it was, and where it came from."""

from __future__ import annotations

import asyncio
from typing import Any

from ...interfaces import Message
from .._check import check
from .._expect import equal, turns
from .._harness import MessagingHarness
from .._logs import logged_texts
from .._values import PROBES, same
from ._inbox import Gate, Inbox, patience, topic

__all__ = [
    "M10_dead_letter_keeps_payload_key_and_headers",
    "M10_dead_letter_tells_its_origin",
    "M10_dead_letter_topic_can_be_named",
    "M10_dead_letter_waits_for_its_reader",
    "M10_dead_letter_without_room_waits_for_it",
    "M10_error_text_is_that_of_the_error",
    "M10_error_text_shows_no_password",
    "M10_error_without_a_text_is_buried_too",
    "M10_long_error_texts_are_cut",
    "M10_message_out_of_attempts_becomes_a_dead_letter",
]


_OPTIONS: dict[str, Any] = {"group_id": "g", "backoff": (0.01, 0.02), "attempts": 2}


class _DeliberateError(Exception):
    """What the handlers below fail with."""


def _fail(_: Any) -> None:
    raise _DeliberateError("on purpose")


@check(feature="dead_letters")
async def M10_message_out_of_attempts_becomes_a_dead_letter(harness: MessagingHarness) -> None:
    """After its attempts a message is in ``<topic>.dlq`` and the next one is handled."""
    name, dead = topic("out"), Inbox()

    def fail(payload: Any) -> None:
        if payload == "bad":
            raise _DeliberateError

    inbox = Inbox(fail)

    async with harness.make(**_OPTIONS) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, Message("bad", key="k"))
        await messaging.publish(name, Message("good", key="k"))
        equal(await dead.wait(1), ["bad"])
        equal(await inbox.wait(1), ["good"])

    assert inbox.calls == 3, f"{inbox.calls} calls for two attempts of one and one of the other"


@check(feature="dead_letters")
async def M10_dead_letter_keeps_payload_key_and_headers(harness: MessagingHarness) -> None:
    """It is the message as it was published, of every type."""
    name, dead = topic("keeps"), Inbox()

    async with harness.make(**_OPTIONS) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, Inbox(_fail))

        for label, value in PROBES.items():
            await messaging.publish(name, Message(value, key=f"k {label}", headers={"h": label}))

        await dead.wait(len(PROBES))

    for payload, info in zip(dead.payloads, dead.infos, strict=True):
        label = str(info.headers["h"])
        assert same(payload, PROBES[label]), f"{label} became {payload!r:.100}"
        assert info.key == f"k {label}", f"the key of {label} became {info.key!r}"


@check(feature="dead_letters")
async def M10_dead_letter_tells_its_origin(harness: MessagingHarness) -> None:
    """Headers name topic, partition, offset, group, handler, error, attempts, first failure."""
    name, dead = topic("origin"), Inbox()

    async with harness.make(**_OPTIONS) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, Inbox(_fail))
        await messaging.publish(name, 1)
        await dead.wait(1)

    told = {
        key.removeprefix("infrastructure-"): str(value)
        for key, value in dead.infos[0].headers.items()
    }
    assert told["origin-topic"] == name, told
    assert told["origin-partition"].isdigit(), told
    assert told["origin-offset"].isdigit(), told
    assert told["group"] == harness.group("g"), told
    assert told["handler"].endswith("Inbox"), told
    assert told["error"].endswith("DeliberateError"), told
    assert told["error-text"] == "on purpose", told
    assert told["attempts"] == "2", told
    assert "T" in told["first-failed"], told


@check(feature="dead_letters")
async def M10_long_error_texts_are_cut(harness: MessagingHarness) -> None:
    """What a dead letter tells takes 16 KiB at most."""
    name, dead = topic("long"), Inbox()

    def fail(_: Any) -> None:
        raise _DeliberateError("خطا" * 100_000)

    async with harness.make(**_OPTIONS) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, Inbox(fail))
        await messaging.publish(name, 1)
        await dead.wait(1)

    headers = dead.infos[0].headers
    size = sum(len(key) + len(str(value).encode()) for key, value in headers.items())
    assert 1000 < size <= 16 * 1024, f"the headers take {size} bytes"


@check(feature="dead_letters")
async def M10_error_text_shows_no_password(harness: MessagingHarness) -> None:
    """The password of a URL in an error's text is masked in the dead letter and in the log."""
    name, dead = topic("secret"), Inbox()

    def fail(_: Any) -> None:
        raise _DeliberateError("no answer from redis://user:hunter2@host")

    with logged_texts() as texts:
        async with harness.make(**_OPTIONS) as messaging:
            await messaging.subscribe(f"{name}.dlq", dead)
            await messaging.subscribe(name, Inbox(fail))
            await messaging.publish(name, 1)
            await dead.wait(1)

    assert "hunter2" not in str(dead.infos[0].headers), "the password stands in the dead letter"
    assert "hunter2" not in "".join(texts), "the password stands in the log"


@check(feature="dead_letters")
async def M10_dead_letter_waits_for_its_reader(harness: MessagingHarness) -> None:
    """It is there for who subscribes to the dead letters later."""
    name, dead = topic("later"), Inbox()

    def fail(payload: Any) -> None:
        if payload == "bad":
            raise _DeliberateError

    handled = Inbox(fail)

    async with harness.make(**_OPTIONS) as messaging:
        await messaging.subscribe(name, handled)
        await messaging.publish(name, Message("bad", key="k"))
        await messaging.publish(name, Message("behind", key="k"))
        await handled.wait(1)
        await messaging.subscribe(f"{name}.dlq", dead)
        equal(await dead.wait(1), ["bad"])


@check(feature="dead_letters")
async def M10_dead_letter_topic_can_be_named(harness: MessagingHarness) -> None:
    """``dead_letter_topic=`` is where they go."""
    name, graveyard, dead = topic("named"), topic("graveyard"), Inbox()

    async with harness.make(**_OPTIONS, dead_letter_topic=graveyard) as messaging:
        await messaging.subscribe(graveyard, dead)
        await messaging.subscribe(name, Inbox(_fail))
        await messaging.publish(name, "here")
        equal(await dead.wait(1), ["here"])


@check(feature="bounded_log")
async def M10_dead_letter_without_room_waits_for_it(harness: MessagingHarness) -> None:
    """Failing to store a dead letter is an outage: it is stored when there is room."""
    name, gate, attempts = topic("room"), Gate(), asyncio.Event()
    tried: list[Any] = []

    async def fail(payload: Any) -> None:
        tried.append(payload)

        if tried.count("second") == 2:
            attempts.set()

        raise _DeliberateError

    async with harness.make(**_OPTIONS, max_log=1) as messaging:
        await messaging.subscribe(f"{name}.dlq", gate)
        await messaging.subscribe(name, fail)
        await messaging.publish(name, "first")
        await gate.wait_until(lambda: gate.running == 1, "the first dead letter")
        await messaging.publish(name, "second")

        async with patience(lambda: "the attempts of the second message"):
            await attempts.wait()

        await turns()
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) == 2, "the second dead letter")


@check(feature="dead_letters")
async def M10_error_text_is_that_of_the_error(harness: MessagingHarness) -> None:
    """Class and text are those of what the handler raised, not of its cause."""
    name, dead = topic("cause"), Inbox()

    def fail(_: Any) -> None:
        raise _DeliberateError("the error") from KeyError("the cause")

    async with harness.make(**_OPTIONS) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, Inbox(fail))
        await messaging.publish(name, 1)
        await dead.wait(1)

    headers = dead.infos[0].headers
    assert str(headers["infrastructure-error"]).endswith("_DeliberateError")
    equal(headers["infrastructure-error-text"], "the error")


class _WordlessError(Exception):
    def __str__(self) -> str:
        raise _DeliberateError


@check(feature="dead_letters")
async def M10_error_without_a_text_is_buried_too(harness: MessagingHarness) -> None:
    """An error whose ``str()`` fails ends its message like any other."""
    name, dead = topic("wordless"), Inbox()

    def fail(_: Any) -> None:
        raise _WordlessError

    async with harness.make(**_OPTIONS) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, Inbox(fail))
        await messaging.publish(name, "bad")
        equal(await dead.wait(1), ["bad"])
