"""``infrastructure dlq``: the dead letters of a topic on the terminal, and on their way back."""

from __future__ import annotations

import asyncio
import signal
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from typer.testing import CliRunner, Result

from infrastructure.cli.app import app
from infrastructure.interfaces import Message
from infrastructure.interfaces.exceptions import OperationError, ValidationError
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.messaging.kafka._letters import KafkaLetters

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until

pytestmark = pytest.mark.slow

WIDE = {"COLUMNS": "200"}
GROUP = "those-who-fail"


def dlq(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["dlq", *arguments], env=WIDE)


async def handle(payload: Any) -> None:
    """Refuse what it gets."""
    msg = f"[bold]no[/] {payload}"
    raise ValidationError(msg)


@pytest.fixture
def letters(kafka: KafkaEndpoint, kafka_topic: str) -> str:
    """Return a topic, three of whose messages are dead letters."""

    async def fail() -> None:
        async with KafkaMessaging(kafka.url, group_id=GROUP) as messaging:
            await messaging.subscribe(kafka_topic, handle)

            for number in range(3):
                message = Message({"number": number}, key=f"k{number}", headers={"trace": "[red]"})
                await messaging.publish(kafka_topic, message)

            await until(lambda: stored(kafka, f"{kafka_topic}.dlq") == 3)

    asyncio.run(fail())
    return kafka_topic


def stored(kafka: KafkaEndpoint, topic: str) -> int:
    """Return how many messages a topic of one partition has."""
    with closing(kafka.consumer("nobody")) as consumer:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), 5)

    return high - low


def test_they_are_listed(kafka: KafkaEndpoint, letters: str) -> None:
    """With what failed, as often as one likes."""
    for _ in range(2):
        done = dlq("list", kafka.url, letters)
        assert done.exit_code == 0, done.output
        assert f"3 dead letters of {letters} wait" in done.stdout
        assert "0-2" in done.stdout
        assert "[bold]no[/] {'number': 1}" in done.stdout
        assert GROUP in done.stdout

    done = dlq("list", kafka.url, letters, "--most", "1")
    assert "wait, the first 1 of them shown" in done.stdout
    assert "0-1" not in done.stdout


def test_one_is_shown(kafka: KafkaEndpoint, letters: str) -> None:
    """All that is known of it; exit code 1 where there is none."""
    done = dlq("show", kafka.url, letters, "0-1")
    assert done.exit_code == 0, done.output

    for line in (
        f"origin: {letters}, partition 0, offset 1",
        "key: k1",
        f"group: {GROUP}",
        "attempts: 1",
        "header trace: [red]",
        "payload: {'number': 1}",
    ):
        assert line in done.stdout.splitlines()

    done = dlq("show", kafka.url, letters, "banana")
    assert (done.exit_code, "looks like 0-17" in done.stderr) == (2, True)
    done = dlq("show", kafka.url, letters, "0-9")
    assert (done.exit_code, "has no dead letter 0-9" in done.stdout) == (1, True)


def test_they_go_back(kafka: KafkaEndpoint, letters: str) -> None:
    """Once: then none waits any more."""
    done = dlq("replay", kafka.url, letters)
    assert done.exit_code == 0, done.output
    assert f"3 messages went back to {letters}" in done.stdout
    assert f"0 dead letters of {letters} wait" in dlq("list", kafka.url, letters).stdout
    assert "0 messages went back" in dlq("replay", kafka.url, letters).stdout
    assert stored(kafka, letters) == 6


@pytest.mark.parametrize("command", [["list"], ["show"], ["replay"]])
def test_a_place_that_is_none(kafka: KafkaEndpoint, letters: str, command: list[str]) -> None:
    """Its messages never failed: they are no letters, and do not go anywhere."""
    more = ["0-0"] if command == ["show"] else []
    place = f"{letters}.others"

    async def put() -> None:
        async with KafkaMessaging(kafka.url, create_topics=True) as messaging:
            await messaging.publish(place, "never failed")

    asyncio.run(put())
    done = dlq(*command, kafka.url, letters, *more, "--stored-in", place)
    assert done.exit_code == (1 if more else 0), done.output
    assert "never failed" not in done.stdout
    assert stored(kafka, letters) == 3
    done = dlq(*command, kafka.url, letters, *more, "--stored-in", letters)
    assert done.exit_code == 2, done.output
    assert "its dead letters are elsewhere" in done.stderr


def test_an_interrupted_replay_loses_none(
    kafka: KafkaEndpoint, letters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line says what to do, exit code 130; and all that is not remembered is there again."""
    replay = KafkaLetters.replay

    async def interrupted(box: KafkaLetters, page: Any) -> None:
        await replay(box, page[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(KafkaLetters, "replay", interrupted)
    done = dlq("replay", kafka.url, letters)
    assert done.exit_code == 130, done.output
    assert "run it again for the rest" in done.stderr
    monkeypatch.undo()
    assert f"1 dead letter of {letters} waits" in dlq("list", kafka.url, letters).stdout
    assert "1 message went back" in dlq("replay", kafka.url, letters).stdout


def test_ctrl_c_sends_nothing_twice(
    kafka: KafkaEndpoint, letters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on its way is sent, and remembered."""
    replay = KafkaLetters.replay

    async def interrupted(box: KafkaLetters, page: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        await replay(box, page)

    monkeypatch.setattr(KafkaLetters, "replay", interrupted)
    done = dlq("replay", kafka.url, letters)
    assert done.exit_code == 130, done.output
    monkeypatch.undo()
    assert "0 messages went back" in dlq("replay", kafka.url, letters).stdout
    assert stored(kafka, letters) == 6


def test_a_failing_replay_is_one_line(
    kafka: KafkaEndpoint, letters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the error's text."""

    async def fails(_box: KafkaLetters, _page: Any) -> None:
        msg = "refused [/]"
        raise OperationError(msg)

    monkeypatch.setattr(KafkaLetters, "replay", fails)
    done = dlq("replay", kafka.url, letters)
    assert (done.exit_code, done.stderr) == (2, "OperationError: refused [/]\n")


@pytest.mark.parametrize("command", [["list"], ["show"], ["replay"]])
def test_wrong_input(kafka: KafkaEndpoint, kafka_topic: str, command: list[str]) -> None:
    """Is told, with exit code 2."""
    more = ["0-0"] if command == ["show"] else []

    for url, topic, told in (
        (kafka.url, kafka_topic, "where they are say by stored_in= (--stored-in)"),
        (kafka.url, "a b", "ValidationError"),
        ("memory://", "t", "subscribe to t.dlq instead"),
        ("nothing://h", "t", "ConfigurationError"),
    ):
        done = dlq(*command, url, topic, *more)
        assert done.exit_code == 2, done.output
        assert told in done.stderr


def test_a_place_of_their_own(kafka: KafkaEndpoint, letters: str) -> None:
    """Where they are not in the usual one."""
    place = f"{letters}.dlq"
    done = dlq("list", kafka.url, letters, "--stored-in", place)
    assert f"3 dead letters of {letters} wait" in done.stdout
    done = dlq("list", kafka.url, "another", "--stored-in", place)
    assert "0 dead letters of another wait" in done.stdout


def test_ids_are_of_partitions(kafka: KafkaEndpoint, letters: str) -> None:
    """Letters that somebody else wrote have no story; they are shown all the same."""
    producer = kafka.producer()
    producer.produce(f"{letters}.dlq", b"\xff")
    producer.flush(10)
    done = dlq("show", kafka.url, letters, "0-3")
    assert done.exit_code == 0, done.output
    assert "payload: b'\\xff'" in done.stdout
