"""What is told of a message that cannot be published."""

from __future__ import annotations

import pickle  # noqa: TID251 - whether an error can be
from typing import Any

import pytest

from infrastructure.interfaces import Message, MessagingInterface
from infrastructure.interfaces.exceptions import ValidationError
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging._payloads import Packer
from infrastructure.messaging.memory import MemoryMessaging

from ...servers.kafka_endpoint import KafkaEndpoint
from .kafka_bench import connected

LARGE = "x" * 2000


@pytest.mark.parametrize("in_process", [True, False])
@pytest.mark.parametrize("codec", ["msgpack", "json"])
@pytest.mark.parametrize("message", [LARGE, [LARGE], Message(LARGE, key="k"), Message([LARGE])])
def test_what_is_too_large_is_told_what_to_do(message: Any, codec: str, in_process: bool) -> None:
    """Of whatever it is, with each codec: how large the message is, and the option."""
    packer = Packer(DeliveryOptions(max_message_bytes=1000, codec=codec), in_process=in_process)

    with pytest.raises(ValidationError, match=r"takes 20\d\d bytes.*raise max_message_bytes="):
        packer.pack(message)


@pytest.mark.parametrize("message", [object(), [object()], Message({1, object()})])
def test_what_is_no_payload_is_told_so(message: Any) -> None:
    """Though nobody asks how large it is."""
    with pytest.raises(ValidationError, match="object"):
        Packer(DeliveryOptions()).pack(message)


class OneByOne(MemoryMessaging):
    """Publishes many as a backend does that has no way of its own."""

    publish_many = MessagingInterface.publish_many


@pytest.mark.parametrize("cls", [MemoryMessaging, OneByOne])
async def test_which_of_several_it_was(cls: type[MemoryMessaging]) -> None:
    """Stands in the text, too, and survives pickling."""
    async with cls("memory://") as messaging:
        with pytest.raises(ValidationError, match=r"^at position 1: ") as caught:
            await messaging.publish_many("t", [1, object(), 3])

    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.row_index) == (str(caught.value), 1)
    assert again.message == str(again)


@pytest.mark.slow
async def test_which_of_several_it_was_on_kafka(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """The same."""
    async with connected(kafka) as messaging:
        with pytest.raises(ValidationError, match=r"^at position 1: ") as caught:
            await messaging.publish_many(kafka_topic, [1, object(), 3])

    assert caught.value.row_index == 1
