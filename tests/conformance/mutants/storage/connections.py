"""Storages that lose connections, keep them, or do not find back to their server."""

from __future__ import annotations

from .._mutant import Mutant
from ._on_server import on_server, unshared

__all__ = ["MUTANTS"]

MUTANTS: tuple[Mutant, ...] = (
    on_server(
        name="is_closed_by_the_loss_of_a_connection",
        module="storage.postgres._pool",
        old="        assert isinstance(wire, Connection)\n",
        new='        assert isinstance(wire, Connection)\n        self._closed = "it was lost"\n',
        caught_by=(
            "G6_a_call_succeeds_after_a_restart",
            "G6_a_call_succeeds_after_refusals",
            "G6_many_callers_come_back_together",
            "G9_a_statement_after_a_lost_connection_succeeds",
        ),
    ),
    on_server(
        name="waits_before_it_dials_again",
        module="storage.postgres._pool",
        old="            return await self._dial(self.ended, time.monotonic() + _DIAL)\n",
        new=(
            "            await asyncio.sleep(4 * self._failing)\n"
            "            return await self._dial(self.ended, time.monotonic() + _DIAL)\n"
        ),
        caught_by=("G6_a_call_succeeds_after_a_restart", "G6_a_call_succeeds_after_refusals"),
    ),
    on_server(
        name="fails_those_who_come_while_it_dials",
        module="storage.postgres._pool",
        old="        self._queue.append(waiter)\n        self._grow()\n",
        new=(
            "        if self._dials:\n"
            '            raise ConnectionError("somebody connects")\n'
            "\n"
            "        self._queue.append(waiter)\n        self._grow()\n"
        ),
        caught_by=("G6_many_callers_come_back_together",),
    ),
    unshared(
        name="loses_the_connection_of_a_statement_that_was_given_up",
        module="storage.postgres._pool",
        old="            self.discard(connection)\n            return\n",
        new="            return\n",
        caught_by=(
            "G6_a_call_succeeds_after_a_freeze",
            "G6_a_call_succeeds_after_silence",
        ),
    ),
    unshared(
        name="opens_another_connection_for_one_that_was_given_up",
        module="storage.postgres._pool",
        old="            self.discard(connection)\n            return\n",
        new=(
            "            vars(self).setdefault('old', []).append(connection)\n"
            "            self._leased.discard(connection)\n"
            "            return\n"
        ),
        caught_by=("G7_cancelled_statements_leave_no_connection",),
    ),
    on_server(
        name="lets_the_drivers_error_out_of_connect",
        module="storage.postgres._dial",
        old=(
            '            with translated(CONNECT_ERRORS, f"connect to {where}"):\n'
            "                pgconn.nonblocking = 1\n"
        ),
        new='            with translated({}, "connect"):\n                pgconn.nonblocking = 1\n',
        caught_by=("G3_a_connect_that_is_cut_leaves_nothing",),
    ),
    on_server(
        name="leaves_its_idle_connections_at_a_disconnect",
        module="storage.postgres._pool",
        old=(
            "        for connection in (*self._idle, *self._leased):\n"
            "            connection.close(reason)\n"
        ),
        new=(
            "        for connection in tuple(self._leased):\n            connection.close(reason)\n"
        ),
        caught_by=("G3_disconnect_leaves_no_connection",),
    ),
)
"""All of them."""
