"""Storages that connect, disconnect or introduce themselves wrongly."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_lifecycle = partial(Mutant, interface="storage", module="_core.lifecycle")
# The first of two: that of every call.
_AT_HOME = "passes here.\n        if self._thread != get_ident() or not self._is_running():\n"
_storage = partial(Mutant, interface="storage", module="storage.sqlite.storage")

MUTANTS: tuple[Mutant, ...] = (
    _storage(
        name="answers_is_connected_without_await",
        old="async def is_connected(self) -> bool:\n",
        new="def is_connected(self) -> bool:\n"
        "        return True\n\n    async def _is_reached(self) -> bool:\n",
        caught_by=("G1_the_methods_are_those_specified", "G1_the_simple_use_is_simple"),
    ),
    _storage(
        name="raises_where_it_is_not_connected",
        old="answer is no\n            return False",
        new="\n            raise",
        caught_by=("S1_is_connected_tells_and_never_raises",),
    ),
    _storage(
        name="keeps_everything_in_a_temporary_file",
        old="if path is None:",
        new="if True:",
        caught_by=(
            "G3_connect_works_again_after_disconnect",
            "G3_instances_reach_the_same_data",
            "S3_a_statement_commits_by_itself",
            "S7_commit_keeps",
            "S15_a_block_commits_at_its_end",
        ),
    ),
    Mutant(
        name="looks_for_a_transaction_before_the_connection",
        interface="storage",
        module="storage._transactional",
        old='self._check("commit")\n',
        new="\n",
        caught_by=("G4_every_method_names_itself_when_not_connected",),
    ),
    _lifecycle(
        name="refuses_a_second_connect",
        old="                self._taken = True\n                return\n",
        new='                self._refuse("connect")\n',
        caught_by=("G3_connect_and_disconnect_are_idempotent",),
    ),
    _lifecycle(
        name="gives_all_who_connect_the_cancellation_of_one",
        old="await asyncio.wait({opening})\n        except",
        new="await opening\n        except",
        caught_by=("G3_lifecycles_and_disconnects_coalesce",),
    ),
    _lifecycle(
        name="lets_every_event_loop_in",
        old=_AT_HOME,
        new="passes here.\n        if self._live is None:\n",
        caught_by=("G8_another_event_loop_is_refused",),
    ),
    _lifecycle(
        name="swallows_the_cancellation_of_disconnect",
        old="closing.cancel()\n            raise",
        new="closing.cancel()",
        caught_by=("G7_a_cancelled_connect_leaves_nothing",),
    ),
    Mutant(
        name="stays_connected_after_an_error_in_the_block",
        interface="storage",
        module="interfaces.storage",
        old="await self.disconnect()",
        new="await (self.is_connected() if exc_type else self.disconnect())",
        caught_by=("G3_async_with_disconnects_after_an_error",),
    ),
)
"""Each with the checks that notice it."""
