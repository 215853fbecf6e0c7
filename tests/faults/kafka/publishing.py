"""A process of many publishers, to be killed: it prints what was acknowledged, a line for each message.

usage: publishing.py URL TOPIC TASKS. It prints `ready`, then `KEY NUMBER` when the brokers have
the message with this payload under this key; each key counts from 1.
"""

from __future__ import annotations

import asyncio
import os
import sys

from infrastructure import Message
from infrastructure.messaging.kafka import KafkaMessaging


async def main(url: str, topic: str, tasks: str) -> None:
    async with KafkaMessaging(url) as messaging:

        async def publish(key: str) -> None:
            number = 0

            while True:
                number += 1
                await messaging.publish(topic, Message(number, key=key))
                # Not by print: what was told must not wait in a buffer.
                os.write(1, f"{key} {number}\n".encode())

        os.write(1, b"ready\n")
        await asyncio.gather(*(publish(f"k{task}") for task in range(int(tasks))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
