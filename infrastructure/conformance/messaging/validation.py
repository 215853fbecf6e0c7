"""Arguments: refused before anything is sent."""

from __future__ import annotations

from typing import Any

from ...interfaces import ConfigurationError, Message, MessagingInterface, ValidationError
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._expect import raises
from ._inbox import Inbox, topic

__all__ = [
    "E3_handler_that_cannot_be_called_is_refused",
    "E3_unknown_options_are_refused_by_name",
    "G11_bad_headers_are_refused",
    "G11_bad_keys_are_refused",
    "G11_large_message_is_refused",
    "G11_size_limit_can_be_set",
    "M3_bad_topic_names_are_refused",
    "M3_longest_topic_names_work",
]


async def _refused(messaging: MessagingInterface, message: Any, name: Any = "refused") -> None:
    what = f"publish of {message!r:.80} on {name!r:.80}"
    error = await raises(ValidationError, messaging.publish(name, message), what)
    assert error.outcome == "not_applied", f"outcome is {error.outcome!r}"


@check()
async def G11_bad_keys_are_refused(harness: MessagingHarness) -> None:
    """A key is a non-empty ``str`` of at most 64 KiB in UTF-8."""
    bad: tuple[Any, ...] = ("", b"bytes", 1, "k" * (64 * 1024 + 1), "ک" * 40_000, "\ud800")

    async with harness.make() as messaging:
        for key in bad:
            await _refused(messaging, Message(1, key=key))


@check()
async def G11_bad_headers_are_refused(harness: MessagingHarness) -> None:
    """Headers are ``str`` to ``str``."""
    bad: tuple[Any, ...] = ({"a": 1}, {1: "a"}, {"a": None}, {"a": b"b"}, [("a", "b")])

    async with harness.make() as messaging:
        for headers in bad:
            await _refused(messaging, Message(1, headers=headers))


@check()
async def G11_large_message_is_refused(harness: MessagingHarness) -> None:
    """Payload, key and headers have 900 KiB together; what fits arrives."""
    name, inbox = topic("size"), Inbox()
    fits = b"x" * (890 * 1024)

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await _refused(messaging, b"x" * (901 * 1024), name)
        await _refused(messaging, "x" * (901 * 1024), name)
        await _refused(messaging, Message(fits, key="k" * 20_000), name)
        await _refused(messaging, Message(fits, headers={"h": "v" * 20_000}), name)
        await messaging.publish(name, fits)
        equal(await inbox.wait(1), [fits])


@check(feature="limits")
async def G11_size_limit_can_be_set(harness: MessagingHarness) -> None:
    """``max_message_bytes=`` is the limit of a message."""
    async with harness.make(max_message_bytes=1000) as messaging:
        await messaging.publish(topic("set"), b"x" * 900)
        await _refused(messaging, b"x" * 1001)


@check(feature="limits")
async def M3_bad_topic_names_are_refused(harness: MessagingHarness) -> None:
    """Topics are ``[A-Za-z0-9._-]{1,249}``, not ``.`` or ``..``, for every method."""
    bad: tuple[Any, ...] = ("", ".", "..", "a b", "سلام", "a/b", "x" * 250, "a\n", None, 1)

    async with harness.make() as messaging:
        for name in bad:
            await _refused(messaging, 1, name)
            what = f"the topic {name!r:.60}"
            await raises(ValidationError, messaging.subscribe(name, Inbox()), what)
            await raises(ValidationError, messaging.unsubscribe(name), what)


@check(feature="limits")
async def M3_longest_topic_names_work(harness: MessagingHarness) -> None:
    """249 characters to publish, 245 to subscribe: they leave room for the dead letters."""
    unique, inbox = topic("n"), Inbox()
    longest, subscribable = unique.ljust(249, "n"), unique.ljust(245, "s")

    async with harness.make() as messaging:
        await messaging.publish(longest, 1)
        await messaging.subscribe(subscribable, inbox)
        await messaging.publish(subscribable, 2)
        equal(await inbox.wait(1), [2])
        what = "subscribe to 249 characters without dead_letter_topic="
        await raises(ValidationError, messaging.subscribe(longest, inbox), what)

    async with harness.make(dead_letter_topic=topic("graveyard")) as messaging:
        await messaging.subscribe(longest, inbox)
        await messaging.publish(longest, 3)
        # Where the log is durable, the group begins with the first message of that topic.
        await inbox.wait_until(lambda: 3 in inbox.payloads, "the message 3")


@check(feature="limits")
async def E3_handler_that_cannot_be_called_is_refused(harness: MessagingHarness) -> None:
    """A handler that is no callable is a ``ValidationError`` of subscribe."""
    bad: Any = "handler"

    async with harness.make() as messaging:
        call = messaging.subscribe(topic("callable"), bad)
        error = await raises(ValidationError, call, "subscribe with a str for a handler")

    assert "handler" in str(error), f"the text does not name the handler: {error}"


@check(feature="limits")
async def E3_unknown_options_are_refused_by_name(harness: MessagingHarness) -> None:
    """A misspelt option is a ``ConfigurationError`` that lists what there is."""
    wrong: tuple[dict[str, Any], ...] = (
        {"lane": 3},
        {"lanes": 0},
        {"attempts": True},
        {"backoff": 3},
        {"order": "x"},
    )

    for options in wrong:
        error = await raises(ConfigurationError, _make(harness, options), f"the options {options}")
        (name,) = options
        assert name in str(error), f"the text does not name {name}: {error}"


async def _make(harness: MessagingHarness, options: dict[str, Any]) -> None:
    harness.make(**options)
