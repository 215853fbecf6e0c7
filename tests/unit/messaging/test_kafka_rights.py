"""What a broker forbids is told as a setting that somebody has to change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from infrastructure.interfaces.exceptions import ConfigurationError

from ...faults._inbox import Inbox
from ...faults._timing import within
from ...faults._watch import nothing_left
from ...servers.kafka_messages import send
from ...servers.kafka_security import Sasl
from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .kafka_bench import connected

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("slow_machine")]

GUARDED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # Who comes by the brokers' own door.
    "super.users": "User:ANONYMOUS",
}
EVERY = AclBindingFilter(
    ResourceType.ANY,
    None,
    ResourcePatternType.ANY,
    None,
    None,
    AclOperation.ANY,
    AclPermissionType.ANY,
)


@asynccontextmanager
async def guarded() -> AsyncIterator[KafkaServer]:
    """Give a broker that allows its user nothing but what a test grants."""
    async with KafkaServer(GUARDED, sasl=Sasl("PLAIN")) as server:
        yield server


def rights(kind: ResourceType, name: str, *operations: Any) -> set[AclBinding]:
    """Return what allows the user to do this."""
    return {
        AclBinding(
            kind,
            name,
            ResourcePatternType.LITERAL,
            "User:ada",
            "*",
            operation,
            AclPermissionType.ALLOW,
        )
        for operation in operations
    }


async def grant(server: KafkaServer, kind: ResourceType, name: str, *operations: Any) -> None:
    """Let the user do this, and return when the broker knows it."""
    bindings, admin = rights(kind, name, *operations), server.admin()

    for answer in admin.create_acls(list(bindings)).values():
        answer.result(10)

    await until(lambda: bindings <= {*admin.describe_acls(EVERY).result(10)})


async def take(server: KafkaServer, kind: ResourceType, name: str, operation: Any) -> None:
    """Let the user do this no more, and return when the broker knows it."""
    [binding], admin = rights(kind, name, operation), server.admin()
    same = AclBindingFilter(
        kind,
        name,
        ResourcePatternType.LITERAL,
        "User:ada",
        "*",
        operation,
        AclPermissionType.ALLOW,
    )

    for answer in admin.delete_acls([same]).values():
        answer.result(10)

    await until(lambda: binding not in {*admin.describe_acls(EVERY).result(10)})


async def read_only(server: KafkaServer, topic: str) -> None:
    """Check that whoever may read does, and is told each time that he may not write."""
    inbox = Inbox()

    async with connected(server, group_id="readers", dead_letters=False) as messaging:
        await messaging.subscribe(topic, inbox)
        send(
            server.producer(server.control_options | {"security.protocol": "PLAINTEXT"}),
            topic,
            ["1"],
        )
        await until(lambda: inbox.payloads)

        # The producer, too, is refused; each time anew.
        for _ in range(2):
            with within(3), pytest.raises(ConfigurationError, match="AUTHORIZATION") as caught:
                await messaging.publish(topic, "2")

            assert caught.value.outcome == "not_applied"


async def test_what_is_not_granted() -> None:
    """Reading is enough to read; each thing more is refused at once, with its reason."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(guarded())
        topic = await stack.enter_async_context(server.topic())
        await grant(server, ResourceType.TOPIC, topic, AclOperation.READ)
        await grant(server, ResourceType.GROUP, "readers", AclOperation.READ)
        await stack.enter_async_context(nothing_left())
        await read_only(server, topic)
        inbox = Inbox()

        async with connected(server, group_id="others", dead_letters=False) as messaging:
            with within(5), pytest.raises(ConfigurationError, match="GROUP_AUTHORIZATION"):
                await messaging.subscribe(topic, inbox)

        async with connected(server, group_id="readers", create_topics=True) as messaging:
            with within(3), pytest.raises(ConfigurationError, match="AUTHORIZATION"):
                await messaging.publish("unknown", "1")

            with within(3), pytest.raises(ConfigurationError, match="AUTHORIZATION"):
                async with messaging.dead_letters(topic, stored_in="secret"):
                    pass

            # Neither to be looked for nor, then, to be made.
            for _ in range(2):
                with within(3), pytest.raises(ConfigurationError, match="dead_letters=False"):
                    await messaging.subscribe(topic, inbox)

                await grant(server, ResourceType.TOPIC, f"{topic}.dlq", AclOperation.DESCRIBE)
