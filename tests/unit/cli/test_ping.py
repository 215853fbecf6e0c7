"""``infrastructure ping``: whether a backend answers, and what waits for a group."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infrastructure.cli.app import app
from infrastructure.messaging.kafka import KafkaMessaging

from ...faults._inbox import Inbox
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.ports import HOST, free_port
from ...servers.waiting import until


def ping(url: str) -> Result:
    return CliRunner().invoke(app, ["ping", url])


def test_each_of_a_urls_backends_answers() -> None:
    """A cache and a messaging are both named memory; a messaging is asked nothing."""
    done = ping("memory://")
    assert done.exit_code == 0, done.output
    cache, messaging = done.stdout.splitlines()
    assert re.search(r"<MemoryCache.* connected in \d+\.\d ms, answers in \d+\.\d\d ms", cache)
    assert re.search(r"<MemoryMessaging.* connected in \d+\.\d ms$", messaging)


def test_a_storage_answers() -> None:
    """A statement of it."""
    done = ping("sqlite://")
    assert (done.exit_code, "answers in" in done.stdout) == (0, True)


def test_brackets_and_colons_are_text(tmp_path: Path) -> None:
    """As in the path of a file, or in an address of a broker."""
    (tmp_path / "a[").mkdir()
    done = ping(f"sqlite:///{tmp_path}/a[/b]:cd:.db")
    assert done.exit_code == 0, done.output
    assert f"{tmp_path}/a[/b]:cd:.db" in done.stdout
    done = ping("no :cd: url")
    assert "got 'no :cd: url'" in done.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("kafka://host:{free_port}", "ConnectionError"),
        ("kafka://h/path", "its forms are"),
        ("kafak://h:1", "no backend is registered for kafak://; there are: kafka://, kafka+ssl://"),
        ("kafak://h:1", ", redis://, "),
    ],
)
def test_who_does_not_answer(url: str, told: str) -> None:
    """One line, and exit code 2."""
    done = ping(url.replace("host:{free_port}", f"{HOST}:{free_port()}"))
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_what_waits_for_a_group(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """By topic."""

    async def leave_some() -> None:
        inbox = Inbox()

        async with KafkaMessaging(kafka.url, group_id=kafka_topic) as messaging:
            await messaging.subscribe(kafka_topic, inbox)
            await messaging.publish(kafka_topic, 0)
            await until(lambda: inbox.payloads)
            await messaging.unsubscribe(kafka_topic)
            await messaging.publish_many(kafka_topic, range(1234))

    asyncio.run(leave_some())
    done = ping(f"{kafka.url}?group_id={kafka_topic}")
    assert done.exit_code == 0, done.output
    assert f"  {kafka_topic}: 1,234 messages wait" in done.stdout.splitlines()
    assert "committed" not in done.stdout
    alone = ping(kafka.url).stdout
    assert "wait" not in alone
    assert "committed" not in alone


@pytest.mark.slow
def test_a_group_that_is_none(kafka: KafkaEndpoint) -> None:
    """Does not look like one for which nothing waits."""
    done = ping(f"{kafka.url}?group_id=no[red]such")
    assert done.exit_code == 0, done.output
    assert "  no[red]such has committed nothing" in done.stdout
