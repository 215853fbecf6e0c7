"""Wrong messaging, in process and over Kafka, by what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from .._mutant import Mutant
from . import (
    arguments,
    batches,
    dead_letters,
    drain,
    endings,
    groups,
    handlers,
    kafka_faults,
    kafka_groups,
    kafka_publish,
    lifecycle,
    order,
    payloads,
    publish,
    reentrancy,
    retries,
    windows,
)
from ._harness import ImpatientHarness

__all__ = ["MUTANTS"]

_BY_KIND = (
    publish,
    payloads,
    arguments,
    groups,
    handlers,
    reentrancy,
    order,
    retries,
    dead_letters,
    batches,
    windows,
    lifecycle,
    drain,
    endings,
)

MUTANTS: tuple[Mutant, ...] = (
    *(
        replace(mutant, harness=ImpatientHarness)
        for mutant in chain.from_iterable(module.MUTANTS for module in _BY_KIND)
    ),
    *kafka_publish.MUTANTS,
    *kafka_groups.MUTANTS,
    *kafka_faults.MUTANTS,
)
