"""Storages whose ``async with`` blocks, streams or deadlines do less than they say."""

from __future__ import annotations

from functools import partial

from ...kit_storage import KitHarness
from .._mutant import Mutant
from ._toy import Core

__all__ = ["MUTANTS"]

_blocks = partial(Mutant, interface="storage", module="storage._blocks")
_stream = partial(Mutant, interface="storage", module="storage.sqlite._stream")
_inherited = partial(Mutant, interface="storage", module="interfaces.storage")

MUTANTS: tuple[Mutant, ...] = (
    _blocks(
        name="commits_a_block_in_spite_of_its_error",
        old="elif exc is not None:",
        new="elif exc is ...:",
        caught_by=(
            "S15_a_block_rolls_back_on_an_error",
            "S15_a_block_inside_a_transaction_is_a_savepoint",
        ),
    ),
    _blocks(
        name="stays_inside_when_detached",
        old="self._manager.bind(self._scope)",
        new="pass",
        caught_by=("S15_detached_is_outside",),
    ),
    Mutant(
        name="stays_detached_after_a_transaction_inside_it",
        interface="storage",
        module="storage._transaction",
        old="if isinstance(scope, Detached):\n            return scope",
        new="if isinstance(scope, Detached):\n            return Detached(scope.outer)",
        harness=KitHarness,
        caught_by=("S15_detached_leaves_with_what_it_began",),
    ),
    _blocks(
        name="stays_in_what_was_begun_inside_detached",
        old="inner.root.outside is scope",
        new="inner.root.outside is ...",
        harness=KitHarness,
        caught_by=("S15_detached_leaves_with_what_it_began",),
    ),
    _blocks(
        name="does_not_look_whether_a_block_is_connected",
        old='self._check("transaction")',
        new="pass",
        caught_by=("G4_a_block_names_itself_when_not_connected",),
    ),
    _inherited(
        name="inherits_a_detached_that_does_nothing",
        old='raise ConfigurationError(msg, operation="detached")',
        new="return self.transaction()",
        harness=Core,
        caught_by=("S15_detached_is_missing_here",),
    ),
    _inherited(
        name="names_no_way_out_of_a_missing_stream",
        old='"once; use execute() with LIMIT"',
        new='"once"',
        harness=Core,
        caught_by=("S15_stream_is_missing_here",),
    ),
    _stream(
        name="streams_one_batch",
        old="while rows := await",
        new="if rows := await",
        caught_by=("S15_stream_gives_every_row",),
    ),
    _stream(
        name="streams_outside_the_transaction",
        old="if level is not None:",
        new="if False:",
        caught_by=("S15_stream_inside_a_transaction_lets_statements_between",),
    ),
    _stream(
        name="closes_the_reader_of_everybody_with_a_stream",
        old="worker = engine.readers.open()",
        new="worker = engine.readers._idle()",
        caught_by=("S15_stream_may_be_left_early", "S15_streams_run_beside_each_other"),
    ),
    _stream(
        name="takes_any_number_for_the_size_of_a_batch",
        old="if type(batch_size) is not int or batch_size < 1:",
        new="if batch_size < 1:",
        caught_by=("S15_stream_has_the_errors_of_execute",),
    ),
)
"""Each with the checks that notice it."""
