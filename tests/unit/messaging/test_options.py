"""The settings of delivery."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from infrastructure.interfaces import ConfigurationError
from infrastructure.messaging._options import DeliveryKeywords, DeliveryOptions, delivery_options
from infrastructure.messaging.memory import MemoryMessaging

WRONG: list[dict[str, Any]] = [
    {"lanes": 0},
    {"lanes": 2.0},
    {"window": True},
    {"order": "keys"},
    {"attempts": -1},
    {"backoff": 1.0},
    {"backoff": (1.0,)},
    {"backoff": (2.0, 1.0)},
    {"backoff": (0, 1)},
    {"reject_on": ValueError},
    {"reject_on": (BaseException,)},
    {"outage_retry": 0},
    {"handler_timeout": float("nan")},
    {"dead_letters": 1},
    {"dead_letter_topic": "not a topic"},
    {"drain_timeout": None},
    {"codec": "pickle"},
    {"max_message_bytes": 0},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_wrong_values_are_refused(options: dict[str, Any]) -> None:
    """Each is a ConfigurationError that names the option."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        DeliveryOptions(**options)


def test_overrides_replace_some() -> None:
    """The rest stays, and without any it is the same object."""
    options = DeliveryOptions(lanes=3, attempts=4)
    assert options.override({}) is options
    assert options.override({"attempts": 1}) == DeliveryOptions(lanes=3, attempts=1)


@pytest.mark.parametrize("name", ["lane", "drain_timeout", "clock", "max_message_bytes"])
def test_what_cannot_be_overridden_is_refused(name: str) -> None:
    """What belongs to the whole instance is no option of a subscription."""
    with pytest.raises(ConfigurationError, match=f"no option '{name}'.*lanes"):
        DeliveryOptions().override({name: 1})


def test_keywords_and_options_are_the_same() -> None:
    """The typed keywords are exactly the fields."""
    assert set(DeliveryKeywords.__annotations__) == set(DeliveryOptions.__dataclass_fields__)

    with pytest.raises(ConfigurationError, match=r"no option 'lane'.*group_id.*lanes"):
        delivery_options({"lane": 1}, MemoryMessaging)


def test_every_option_is_in_the_signature() -> None:
    """Whoever asks the class sees each option by its name, with its default."""
    parameters = inspect.signature(MemoryMessaging).parameters
    assert set(DeliveryOptions.__dataclass_fields__) < set(parameters)
    assert parameters["lanes"].default == 16
    assert not any(each.kind is each.VAR_KEYWORD for each in parameters.values())


URL = (
    "memory://?group_id=g&retain=3&max_log=20&deadline=2.5&lanes=4&order=partition&attempts=2"
    "&backoff=0.5,8&outage_retry=60&handler_timeout=5&dead_letters=false&window=50"
    "&window_bytes=1000&codec=json&max_message_bytes=2000&drain_timeout=3&dead_letter_topic=d"
)


def test_options_stand_in_the_url() -> None:
    """They mean the same there, and may be said in both places when they agree."""
    messaging = MemoryMessaging(URL, lanes=4)
    assert messaging._options == DeliveryOptions(
        lanes=4,
        order="partition",
        attempts=2,
        backoff=(0.5, 8.0),
        outage_retry=60.0,
        handler_timeout=5.0,
        dead_letters=False,
        dead_letter_topic="d",
        window=50,
        window_bytes=1000,
        codec="json",
        max_message_bytes=2000,
        drain_timeout=3.0,
    )
    assert (messaging._group.name, messaging._broker.max_log, messaging._broker.retain) == (
        "g",
        20,
        3,
    )


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("lanes=many", {}),
        ("dead_letters=perhaps", {}),
        ("backoff=1,2,3", {}),
        ("clock=now", {}),
        ("lanes=3", {"lanes": 4}),
        # Also where the keyword is what it would be anyway: only somebody can have said it.
        ("attempts=5", {"attempts": 3}),
        ("outage_retry=60", {"outage_retry": None}),
        ("retain=3", {"retain": 4}),
    ],
)
def test_wrong_options_of_a_url(query: str, options: dict[str, Any]) -> None:
    """What is not legible, unknown, or said twice in two ways is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match=query.partition("=")[0]):
        MemoryMessaging(f"memory://?{query}", **options)


def test_a_default_of_the_constructor_is_as_good_as_not_said() -> None:
    """Nobody can tell whether it was: the URL holds."""
    assert MemoryMessaging("memory://?retain=3", retain=0)._broker.retain == 3


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("lanes=many", "the option lanes of the URL is a whole number, got 'many'"),
        ("drain_timeout=long", "the option drain_timeout of the URL is a number, got 'long'"),
        ("backoff=1;2", "the option backoff of the URL is two numbers with a comma"),
        ("dead_letters=perhaps", "the option dead_letters is true or false, got 'perhaps'"),
    ],
)
def test_an_option_of_a_url_that_cannot_be_read(query: str, text: str) -> None:
    """The text says what it takes, and what it got."""
    with pytest.raises(ConfigurationError, match=text):
        MemoryMessaging(f"memory://?{query}")


def test_a_flag_of_a_url_is_written_as_elsewhere() -> None:
    """``yes`` and ``no`` too, as in the URL of a storage."""
    assert MemoryMessaging("memory://?dead_letters=no")._options.dead_letters is False


@pytest.mark.parametrize(
    ("options", "topic", "dead"),
    [
        ({}, "t", "t.dlq"),
        ({"dead_letter_topic": "grave"}, "t", "grave"),
        ({"dead_letters": False}, "t", None),
        ({}, "t.dlq", None),
        ({"dead_letter_topic": "grave"}, "t.dlq", None),
    ],
)
def test_dead_letter_topic(options: dict[str, Any], topic: str, dead: str | None) -> None:
    """Dead letters have none themselves."""
    assert DeliveryOptions(**options).dead_letters_of(topic) == dead
