"""Caches that lose connections, keep them, or do not find back to their server."""

from __future__ import annotations

from .._mutant import Mutant
from ._on_server import ASKED, CANCELLED, server_cache

__all__ = ["MUTANTS"]

MUTANTS: tuple[Mutant, ...] = (
    server_cache(
        name="stays_with_a_lost_connection",
        old="if self.wire is None or self.wire.broken is not None:",
        new="if self.wire is None:",
        caught_by=(
            "G6_a_call_succeeds_after_a_restart",
            "G6_a_call_succeeds_after_refusals",
            "G6_many_callers_come_back_together",
            "G9_a_read_over_a_lost_connection_succeeds",
            "G9_no_read_fails_after_a_restart",
        ),
    ),
    server_cache(
        name="waits_before_it_connects_again",
        old="                loop = asyncio.get_running_loop()\n",
        new=(
            "                await asyncio.sleep(0 if self.wire is None else 1.5)\n"
            "                loop = asyncio.get_running_loop()\n"
        ),
        caught_by=("G6_a_call_succeeds_after_refusals", "G6_a_call_succeeds_after_a_restart"),
    ),
    server_cache(
        name="fails_those_who_come_while_it_connects",
        old="        async with self.making:\n",
        new=(
            "        if self.making.locked():\n"
            '            raise ConnectionRefusedError("somebody connects")\n'
            "\n"
            "        async with self.making:\n"
        ),
        caught_by=("G6_many_callers_come_back_together",),
    ),
    server_cache(
        name="disconnects_after_a_timeout",
        old=ASKED,
        new=CANCELLED.format("self._settle(None)"),
        caught_by=(
            "G5_every_call_to_a_silent_server_ends",
            "G6_a_call_succeeds_after_a_freeze",
            "G6_a_call_succeeds_after_silence",
        ),
    ),
    server_cache(
        name="connects_when_it_is_first_needed",
        old="            await self.connected()\n",
        new="            await asyncio.sleep(0)\n",
        caught_by=(
            "G3_a_refused_connect_leaves_nothing",
            "G5_a_connect_to_a_frozen_server_ends",
            "G5_a_connect_to_a_silent_server_ends",
        ),
    ),
    server_cache(
        name="lets_the_systems_error_out_of_connect",
        old='        with translated(ERRORS, "connect"):\n',
        new='        with translated({}, "connect"):\n',
        caught_by=(
            "G3_a_connect_that_is_cut_leaves_nothing",
            "G3_a_refused_connect_leaves_nothing",
        ),
    ),
    server_cache(
        name="leaves_the_connection_of_a_connect_that_was_given_up",
        old='                    made.close(ConnectionAbortedError("it was given up"))\n',
        new="",
        caught_by=("G3_disconnect_ends_a_connect_to_a_silent_server",),
    ),
    server_cache(
        name="leaves_its_connection_at_a_disconnect",
        old='            wire.close(ConnectionAbortedError("disconnect() was called"))\n',
        new="            return\n",
        caught_by=(
            "G3_disconnect_ends_what_a_frozen_server_holds",
            "G3_disconnect_ends_what_a_silent_server_holds",
            "G3_disconnect_leaves_no_connection",
        ),
    ),
    server_cache(
        name="leaves_its_connection_when_a_call_is_cancelled",
        old=ASKED,
        new=CANCELLED.format(
            "vars(self).setdefault('old', []).append(self.wire); self.wire = None"
        ),
        caught_by=(
            "G7_calls_that_timed_out_open_no_connection",
            "G7_cancelled_calls_leave_no_connection",
        ),
    ),
    server_cache(
        name="connects_anew_after_a_timeout",
        old=ASKED,
        new=CANCELLED.format('wire.close(ConnectionAbortedError("a call was given up"))'),
        caught_by=("G7_calls_that_timed_out_open_no_connection",),
    ),
)
