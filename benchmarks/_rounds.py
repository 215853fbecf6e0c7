"""Runs the contenders of a question in turns, A B A B, and takes their times."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from ._question import Contender, Question, Work
from ._verdict import Comparison, Sample, compare

__all__ = ["answer", "race"]

# Of a run before the first round: caches fill, code is specialised, files grow.
_WARM_UP = 4

Told = Callable[[str], object]


async def answer(question: Question, rounds: int, tell: Told) -> list[Comparison]:
    """Return how ours compares with each peer."""
    samples = await race(question, rounds, tell)
    ours = samples[question.ours.name]
    return [
        compare(
            question.name,
            peer.name,
            ours,
            samples[peer.name],
            question.targets.get(peer.name),
            latency=question.latency,
        )
        for peer in question.peers
    ]


async def race(question: Question, rounds: int, tell: Told) -> Mapping[str, list[Sample]]:
    """Return one sample of each round for each contender; each round begins with another."""
    samples: dict[str, list[Sample]] = {each.name: [] for each in question.contenders}

    async with AsyncExitStack() as stack:
        open_ones = [
            (each, await stack.enter_async_context(each.open())) for each in question.contenders
        ]

        for contender, work in open_ones:
            await _sample(work, max(1, _operations(question, contender) // _WARM_UP))

        for number in range(rounds):
            tell(f"{question.name}: round {number + 1} of {rounds}")
            first = number % len(open_ones)

            for contender, work in open_ones[first:] + open_ones[:first]:
                sample = await _sample(work, _operations(question, contender))
                samples[contender.name].append(sample)

    return samples


def _operations(question: Question, contender: Contender) -> int:
    return contender.operations or question.operations


async def _sample(work: Work, operations: int) -> Sample:
    await work.reset()
    # Each run pays for its own garbage, not for its neighbour's.
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    told = await work.run(operations)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    own = told if isinstance(told, float) else wall / operations
    return Sample(wall=own, cpu=cpu / operations)
