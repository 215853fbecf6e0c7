"""F31: a program with subscriptions ends, or forgets its messaging, without ``disconnect``."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from ...servers.kafka_endpoint import KafkaEndpoint

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, gc, os, sys, threading, warnings
from infrastructure.messaging.kafka import KafkaMessaging

url, topic = sys.argv[1:]

staying = asyncio.Event()

async def joining():
    while not any(each.name == "kafka consumer" for each in threading.enumerate()):
        await asyncio.sleep(0)

async def used(handled=10):
    messaging = KafkaMessaging(url, group_id=topic, session_timeout=6)
    got, enough = [], asyncio.Event()

    async def handle(payload):
        got.append(payload)

        if len(got) == handled:
            enough.set()

        if payload == "stay":
            staying.set()
            await asyncio.Event().wait()

    await messaging.subscribe(topic, handle)
    await messaging.connect()
    await messaging.publish_many(topic, range(handled))
    await enough.wait()
    return messaging

async def main():
    {main}

{run}
print("ended")
"""

FORKED = """
with asyncio.Runner() as runner:
    messaging = runner.run(main())

    with warnings.catch_warnings():
        # From Python 3.12 on: there are threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()

    if not pid:
        sys.exit()

    assert os.waitpid(pid, 0)[1] == 0
"""

ENDINGS = {
    "the loop is closed": ("await used()", "asyncio.run(main())"),
    "a handler runs": (
        "m = await used(); await m.publish(topic, 'stay'); await staying.wait()",
        "asyncio.run(main())",
    ),
    "publishes are under way": (
        "m = await used(); _ = [asyncio.ensure_future(m.publish(topic, n)) for n in range(50)]",
        "asyncio.run(main())",
    ),
    "it is joining": (
        "asyncio.ensure_future(used()); await joining()",
        "asyncio.run(main())",
    ),
    "another one follows in its group": (
        "await used()",
        "asyncio.run(main()); asyncio.run(used())",
    ),
    "a child that was forked does nothing": (
        "return await used()",
        FORKED,
    ),
    "it is collected while the loop runs": (
        "await used(); gc.collect(); await asyncio.sleep(0.05)",
        "asyncio.run(main())",
    ),
    "it is collected after its loop": (
        "return await used()",
        "messaging = asyncio.run(main()); del messaging; gc.collect()",
    ),
    "an error ends the program": (
        "messaging = await used(); 1 / 0",
        "try:\n    asyncio.run(main())\nexcept ZeroDivisionError:\n    pass",
    ),
    "two loops use it in turn": (
        "await messaging.connect(); await messaging.publish(topic, 1)",
        "messaging = asyncio.run(used()); asyncio.run(main()); asyncio.run(main())",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_F31_the_program_ends_in_peace(
    kafka: KafkaEndpoint, kafka_topic: str, ending: tuple[str, str]
) -> None:
    """Within some seconds, without a traceback; a ResourceWarning is fine."""
    main, run = ending
    program = PROGRAM.format(main=main, run=run)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, kafka.url, kafka_topic, stdout=PIPE, stderr=PIPE
    )

    try:
        async with asyncio.timeout(12):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise

    assert (process.returncode, out) == (0, b"ended\n"), err.decode()
    assert b"Traceback" not in err, err.decode()
