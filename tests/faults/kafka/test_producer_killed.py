"""A process that publishes is killed in the middle of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from ...servers.kafka_server import KafkaServer
from .._timing import SOAK
from ._messagings import Note, logged

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).with_name("publishing.py")
KILLS = 20 if SOAK else 1
TASKS = 50


async def burst(broker: KafkaServer, topic: str, count: int) -> set[tuple[str, int]]:
    """Return what a process told was acknowledged, which is killed after so many messages."""
    command = [sys.executable, str(SCRIPT), broker.url, topic, str(TASKS)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output = process.stdout
    assert output is not None

    try:
        async with asyncio.timeout(60):
            assert await output.readline() == b"ready\n"
            lines = [await output.readline() for _ in range(count)]
            process.kill()
            # What was told before its end counts.
            lines += (await output.read()).splitlines(keepends=True)
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

        process._transport.close()

    told = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return {(key, int(number)) for key, number in told}


async def test_what_a_killed_process_had_acknowledged_is_there(
    broker: KafkaServer, record_property: Note
) -> None:
    """Burst after burst: all of it, each key without a gap and in order; what it had not is there once or not."""
    total = 0

    for kill in range(KILLS):
        async with broker.topic(3) as topic:
            acknowledged = await burst(broker, topic, 500 + 211 * kill)
            log = logged(broker, topic)

        assert not acknowledged - set(log)

        for task in range(TASKS):
            numbers = [number for key, number in log if key == f"k{task}"]
            assert numbers == list(range(1, len(numbers) + 1))

        total += len(acknowledged)

    record_property("producers killed", KILLS)
    record_property("what they had acknowledged", total)
