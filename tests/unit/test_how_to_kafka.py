"""What docs/how-to/use-kafka.md shows works as it stands there."""

from __future__ import annotations

import asyncio
import importlib
import re
import shlex
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from infrastructure import ConfigurationError, Message, open_messaging
from infrastructure.cli.app import app
from infrastructure.conformance.messaging._inbox import Inbox

from ..servers.certificates import Certificates
from ..servers.kafka_endpoint import KafkaEndpoint
from ..servers.kafka_groups import described
from ..servers.kafka_messages import send
from ..servers.kafka_security import Sasl
from ..servers.kafka_server import KafkaServer
from .test_how_to import ROOT, blocks

PAGE = (ROOT / "docs" / "how-to" / "use-kafka.md").read_text("utf-8")
OWN = ("audit", "events", "orders", "payments", "shipping")
NEW: dict[str, Any] = {"create_topics": True, "partitions": 4}

pytestmark = pytest.mark.slow


@pytest.fixture
def page(
    kafka: KafkaEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """Give the files of the page as modules; topics and groups are this test's own."""
    monkeypatch.setenv("KAFKA_URL", kafka.url)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    mark = uuid4().hex[:12]
    names = []

    for block in blocks("python", PAGE):
        name = block.partition(".py\n")[0].removeprefix("# ")
        own = re.sub(f'"({"|".join(OWN)})"', rf'"\1-{mark}"', block)
        (tmp_path / f"{name}.py").write_text(own, "utf-8")
        names.append(name)

    yield SimpleNamespace(mark=mark, **{name: importlib.import_module(name) for name in names})

    for name in names:
        sys.modules.pop(name)


async def test_a_group_shares_what_each_group_gets(page: SimpleNamespace) -> None:
    """Both instances have work, and the orders of one customer keep their order."""
    shop, inbox, books = page.shop, Inbox(), Inbox()
    wanted = {(f"c{n}", item) for n in range(16) for item in range(5)}

    def ships(who: str, into: Inbox) -> Callable[[Any], Awaitable[None]]:
        async def ship(customer: str, item: int, _: str) -> None:
            await into((who, customer, item))

        handler: Callable[[Any], Awaitable[None]] = shop.shipper(ship)
        return handler

    async with (
        shop.member(f"ship-{page.mark}", **NEW) as one,
        shop.member(f"ship-{page.mark}", **NEW) as two,
        shop.member(f"book-{page.mark}", **NEW) as other,
    ):
        for messaging, handler in (
            (one, ships("one", inbox)),
            (two, ships("two", inbox)),
            (other, ships("other", books)),
        ):
            await messaging.subscribe(f"orders-{page.mark}", handler)

        for item in range(5):
            await asyncio.gather(*(shop.order(one, f"c{n}", item) for n in range(16)))

        await inbox.wait_until(lambda: {each[1:] for each in inbox.payloads} >= wanted, "all")
        await books.wait_until(lambda: {each[1:] for each in books.payloads} >= wanted, "all")

    assert {who for who, *_ in inbox.payloads} == {"one", "two"}
    by_customer = defaultdict(list)

    for _, customer, item in books.payloads:
        by_customer[customer].append(item)

    assert set(map(tuple, by_customer.values())) == {(0, 1, 2, 3, 4)}


def command(line: str, kafka: KafkaEndpoint, page: SimpleNamespace) -> list[str]:
    """Return the arguments of a command of the page, for this broker and this test's topic."""
    own = {"kafka://localhost:9092": kafka.url, "payments": f"payments-{page.mark}", "0-17": "0-0"}
    _, _, *arguments = shlex.split(line)
    return [own.get(each, each) for each in arguments]


async def test_what_no_attempt_can_handle_is_told_and_sent_back(
    page: SimpleNamespace, kafka: KafkaEndpoint
) -> None:
    """Refused at once or out of attempts; when the cause is gone it is handled."""
    topic, paid, dead = f"payments-{page.mark}", Inbox(), Inbox()
    failing = {"card": 99, "network": 2}

    async def pay(order: dict[str, Any]) -> None:
        if failing.get(order["by"], 0):
            failing[order["by"]] -= 1
            raise page.charge.CardRefusedError if order["by"] == "card" else ValueError

        await paid(order["by"])

    async def ask(line: str) -> str:
        runner = CliRunner(env={"COLUMNS": "250"})
        done = await asyncio.to_thread(runner.invoke, app, command(line, kafka, page))
        assert done.exit_code == 0, done.output
        return done.output

    lists, shows, replays = blocks("console", PAGE)[0].splitlines()

    async with page.shop.member(f"pay-{page.mark}", **NEW) as messaging:
        await page.charge.subscribe(messaging, pay)
        await messaging.subscribe(f"{topic}.dlq", dead)
        await messaging.publish(topic, {"by": "card", "amount": 1})
        await messaging.publish(topic, {"by": "network", "amount": 1})
        await dead.wait(1)
        assert await paid.wait(1) == ["network"]
        assert "CardRefusedError" in await ask(shows)
        await messaging.publish(topic, {"by": "nobody"})
        await dead.wait(2)
        assert f"2 dead letters of {topic} wait" in await ask(lists)
        failing["card"] = 0
        assert f"2 messages went back to {topic}" in await ask(replays)
        assert await paid.wait(2) == ["network", "card"]
        await dead.wait(3)
        [(payload, error, attempts)] = await page.redrive.redrive(messaging, topic)
        assert payload == {"by": "nobody"}
        assert error.endswith("ValidationError")
        assert attempts == "1"


async def test_a_static_member_stays_in_its_group(
    page: SimpleNamespace, kafka: KafkaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under its name, after it was disconnected too."""
    monkeypatch.setenv("POD_NAME", "shipping-1")
    group = f"shipping-{page.mark}"

    admin = kafka.admin()

    def members() -> list[str]:
        return [each.group_instance_id for each in described(admin, group).members]

    async with kafka.topic() as topic, page.static.static() as messaging:
        await messaging.subscribe(topic, Inbox())
        assert await asyncio.to_thread(members) == ["shipping-1"]
        await messaging.disconnect()
        assert await asyncio.to_thread(members) == ["shipping-1"]


async def test_a_password_goes_by_tls(
    page: SimpleNamespace,
    certificates: Certificates,
    start_kafka: Callable[[KafkaServer], Awaitable[KafkaServer]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The right one opens, by an authority that is told; a wrong one is refused by connect."""
    server = await start_kafka(KafkaServer(sasl=Sasl(), certificates=certificates))
    inbox = Inbox()
    monkeypatch.setenv("KAFKA_MECHANISM", "SCRAM-SHA-256")
    monkeypatch.setenv("KAFKA_CA", str(certificates.authority))
    monkeypatch.setenv("KAFKA_URL", server.url)

    async with server.topic() as topic, page.secure.secure("readers") as messaging:
        await messaging.subscribe(topic, inbox)
        await messaging.publish(topic, "a secret")
        assert await inbox.wait(1) == ["a secret"]

    monkeypatch.setenv("KAFKA_URL", server.url.replace("l0velace", "wrong"))

    with pytest.raises(ConfigurationError, match="password"):
        await page.secure.secure("readers").connect()


async def test_records_are_json_for_everybody(page: SimpleNamespace, kafka: KafkaEndpoint) -> None:
    """Ours are read by another client, its own by us; what is none is a dead letter at once."""
    topic, inbox, dead = f"events-{page.mark}", Inbox(), Inbox()

    async with page.events.audit() as messaging:
        await messaging.subscribe(f"{topic}.dlq", dead, codec="raw")
        await messaging.subscribe(topic, inbox)
        await page.events.tell(messaging, 7, "login")
        await asyncio.to_thread(
            send, kafka.producer(), topic, ['{"user": 8, "what": "logout"}', "{"]
        )
        await inbox.wait_until(lambda: {"user": 8, "what": "logout"} in inbox.payloads, "both")
        assert {"user": 7, "what": "login"} in inbox.payloads

        messages = await asyncio.to_thread(records, kafka, topic, 3)
        [ours] = [each for each in messages if each.key() == b"7"]
        assert ours.value() == b'{"user":7,"what":"login"}'
        assert ours.headers() == [("content-type", b"application/json")]

        await dead.wait(1)
        [(payload, _, attempts)] = await page.redrive.redrive(messaging, topic)
        assert payload == b"{"
        assert attempts == "1"


def records(kafka: KafkaEndpoint, topic: str, count: int) -> list[Any]:
    """Return the first messages of a topic as another client sees them."""
    with closing(kafka.consumer(f"others-{topic}")) as consumer:
        consumer.subscribe([topic])
        return [consumer.poll(20) for _ in range(count)]


async def test_keys_can_go_where_java_puts_them(kafka: KafkaEndpoint) -> None:
    """By the option on the page; the partitions are those of Kafka's own client, of four."""
    [option] = re.findall(r'librdkafka=\{"partitioner": "(\w+)"\}', PAGE)
    places = {"21": 0, "foobar": 2, "a-little-bit-long-string": 0}

    async with kafka.topic(4) as topic:
        async with open_messaging(kafka.url, librdkafka={"partitioner": option}) as messaging:
            await messaging.publish_many(topic, [Message(key, key=key) for key in places])

        messages = await asyncio.to_thread(records, kafka, topic, len(places))

    assert {each.key().decode(): each.partition() for each in messages} == places
