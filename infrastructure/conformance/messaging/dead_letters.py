"""Dead letters: the message as it was, and where it came from."""

from __future__ import annotations

from typing import Any

from ...interfaces import Message
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from .._values import PROBES, same
from ._inbox import Inbox, topic

__all__ = [
    "M10_dead_letter_keeps_payload_key_and_headers",
    "M10_dead_letter_tells_its_origin",
    "M10_dead_letter_topic_can_be_named",
    "M10_dead_letters_have_no_dead_letters",
    "M10_error_text_shows_no_password",
    "M10_long_error_texts_are_cut",
    "M10_message_out_of_attempts_becomes_a_dead_letter",
    "M10_opting_out_loses_nothing",
    "M10_replayed_message_is_for_its_handler_alone",
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
    assert told["group"] == "g", told
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
    """The password of a URL in an error's text is masked in the dead letter."""
    name, dead = topic("secret"), Inbox()

    def fail(_: Any) -> None:
        raise _DeliberateError("no answer from redis://user:hunter2@host")

    async with harness.make(**_OPTIONS) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, Inbox(fail))
        await messaging.publish(name, 1)
        await dead.wait(1)

    assert "hunter2" not in str(dead.infos[0].headers), "the password stands in the dead letter"


@check(feature="dead_letters")
async def M10_dead_letter_topic_can_be_named(harness: MessagingHarness) -> None:
    """``dead_letter_topic=`` is where they go."""
    name, graveyard, dead = topic("named"), topic("graveyard"), Inbox()

    async with harness.make(**_OPTIONS, dead_letter_topic=graveyard) as messaging:
        await messaging.subscribe(graveyard, dead)
        await messaging.subscribe(name, Inbox(_fail))
        await messaging.publish(name, "here")
        equal(await dead.wait(1), ["here"])


async def _stops(harness: MessagingHarness, name: str, **options: Any) -> None:
    """Check that a message out of attempts stops its partition until the next connect."""
    healthy = False

    def fail(_: Any) -> None:
        if not healthy:
            raise _DeliberateError

    inbox = Inbox(fail)
    tried = Inbox()

    async def handler(payload: Any) -> None:
        await tried(payload)
        await inbox(payload)

    messaging = harness.make(**{**_OPTIONS, **options})

    async with messaging:
        await messaging.subscribe(name, handler)
        await messaging.publish(name, Message("bad", key="k"))
        await messaging.publish(name, Message("behind", key="k"))
        equal(await tried.wait(2), ["bad", "bad"])

    healthy = True

    async with messaging:
        assert await inbox.wait(2) == ["bad", "behind"], "the stopped partition lost a message"

    assert tried.payloads == ["bad", "bad", "bad", "behind"], f"calls: {tried.payloads}"


@check(feature="dead_letters")
async def M10_dead_letters_have_no_dead_letters(harness: MessagingHarness) -> None:
    """In a topic that ends in ``.dlq`` exhausted attempts stop the partition; nothing is lost."""
    await _stops(harness, f"{topic('stops')}.dlq")


@check(feature="dead_letters")
async def M10_opting_out_loses_nothing(harness: MessagingHarness) -> None:
    """With ``dead_letters=False`` exhausted attempts stop the partition; nothing is lost."""
    await _stops(harness, topic("without"), dead_letters=False)


@check(feature="dead_letters")
async def M10_replayed_message_is_for_its_handler_alone(harness: MessagingHarness) -> None:
    """Marked with group and handler it is acknowledged unseen by all others."""
    name, wanted, unwanted, other = topic("replay"), Inbox(), Inbox(), Inbox()

    async def failed_before(payload: Any) -> None:
        await wanted(payload)

    target = f"{failed_before.__module__}.{failed_before.__qualname__}"
    headers = {"infrastructure-replay-group": "g", "infrastructure-replay-handler": target}

    async with harness.make(**_OPTIONS) as messaging, harness.make(group_id="other") as elsewhere:
        await messaging.subscribe(name, failed_before)
        await messaging.subscribe(name, unwanted)
        await elsewhere.subscribe(name, other)
        await messaging.publish(name, Message("replayed", key="k", headers=headers))
        await messaging.publish(name, Message("end", key="k"))
        equal(await wanted.wait(2), ["replayed", "end"])
        equal(await unwanted.wait(1), ["end"])
        equal(await other.wait(1), ["end"])
