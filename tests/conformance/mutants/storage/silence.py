"""Storages that a silent server holds up."""

from __future__ import annotations

from .._mutant import Mutant
from ._on_server import on_server

__all__ = ["MUTANTS"]

MUTANTS: tuple[Mutant, ...] = (
    on_server(
        name="waits_for_a_result_for_ever",
        module="storage.postgres._requests",
        old="async with Limit(tried, expires=expires) as limit:",
        new='async with Limit(tried, expires=float("inf")) as limit:',
        caught_by=(
            "G5_a_block_rules_over_a_silent_server",
            "G5_every_call_to_a_frozen_server_ends",
            "G5_every_call_to_a_silent_server_ends",
        ),
    ),
    on_server(
        name="connects_to_a_server_when_it_is_first_needed",
        module="storage.postgres._engine",
        old="        self._pool.add(await dialler.connection(self._pool.ended, expires))\n",
        new="",
        caught_by=(
            "G3_a_refused_connect_leaves_nothing",
            "G5_a_connect_to_a_frozen_server_ends",
            "G5_a_connect_to_a_silent_server_ends",
        ),
    ),
    on_server(
        name="waits_for_a_rollback_for_long",
        module="storage._transaction",
        old="        expires = time.monotonic() + ROLLBACK_WITHIN\n",
        new="        expires = time.monotonic() + 30\n",
        caught_by=("G5_a_block_ends_though_its_server_is_silent",),
    ),
    on_server(
        name="waits_for_what_is_in_flight_as_it_disconnects",
        module="_core.lifecycle",
        old="async with asyncio.timeout(self._close_within):",
        new="async with asyncio.timeout(None):",
        caught_by=(
            "G3_disconnect_ends_what_a_frozen_server_holds",
            "G3_disconnect_ends_what_a_silent_server_holds",
        ),
    ),
    on_server(
        name="waits_for_a_connect_as_it_disconnects",
        module="_core.lifecycle",
        old="            opening.cancel()\n\n",
        new="",
        caught_by=("G3_disconnect_ends_a_connect_to_a_silent_server",),
    ),
    on_server(
        name="has_no_patience_with_a_slow_network",
        module="storage.postgres._requests",
        old="async with Limit(tried, expires=expires) as limit:",
        new="async with Limit(tried, expires=min(expires, self._loop.time() + 0.25)) as limit:",
        caught_by=("S3_late_answers_are_right",),
    ),
)
"""All of them."""
