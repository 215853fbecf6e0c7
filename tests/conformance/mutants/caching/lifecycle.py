"""Caches that connect twice, end badly, or serve whom they should not."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_cache = partial(Mutant, interface="caching", module="caching.memory.cache")
_shared = partial(Mutant, interface="caching", module="caching.memory._shared")
_life = partial(Mutant, interface="caching", module="_core.lifecycle")
# The first of two: that of every call.
_AT_HOME = "passes here.\n        if self._thread != get_ident() or not self._is_running():\n"
_flights = partial(Mutant, interface="caching", module="interfaces._flights")
_interface = partial(Mutant, interface="caching", module="interfaces.caching")

MUTANTS: tuple[Mutant, ...] = (
    _cache(
        name="calls_the_ttl_something_else",
        old=(
            "    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:\n"
            '        """Store ``value`` under ``key``; more than ``max_bytes`` is an ``OperationError``."""\n'
        ),
        new=(
            "    async def set(self, key: str, value: Any, ex: int | None = None) -> None:\n"
            "        ttl = ex\n"
        ),
        caught_by=("G1_the_methods_are_those_specified",),
    ),
    _interface(
        name="enters_as_nothing",
        old="        return self\n",
        new="        return None\n",
        caught_by=("G1_async_with_connects_and_disconnects",),
    ),
    _interface(
        name="stays_connected_after_an_error",
        old="        await self.disconnect()\n",
        new="        if exc is None:\n            await self.disconnect()\n",
        caught_by=("G3_async_with_disconnects_after_an_error",),
    ),
    _life(
        name="refuses_to_connect_twice",
        old="                self._taken = True\n                return\n",
        new="                raise ConfigurationError('connected already')\n",
        caught_by=("G3_connect_and_disconnect_are_idempotent",),
    ),
    _life(
        name="refuses_to_disconnect_before_connect",
        old='        self._adopt("disconnect")\n',
        new='        self._adopt("disconnect")\n        self._check_owner("disconnect")\n',
        caught_by=(
            "G3_connect_and_disconnect_are_idempotent",
            "G3_lifecycles_and_disconnects_coalesce",
        ),
    ),
    _life(
        name="connects_only_once_in_its_life",
        old='        self._adopt("connect")\n',
        new=(
            '        self._adopt("connect")\n\n'
            "        if self._was_connected and self._live is None:\n"
            '            self._refuse("connect")\n'
        ),
        caught_by=("G3_connect_works_again_after_disconnect",),
    ),
    _life(
        name="lets_a_cancelled_connect_cancel_the_others",
        old="            await asyncio.wait({opening})\n        except",
        new="            await opening\n        except",
        caught_by=("G3_lifecycles_and_disconnects_coalesce",),
    ),
    _life(
        name="answers_before_connect",
        old=_AT_HOME,
        new="passes here.\n        if not self._is_running() and self._was_connected:\n",
        caught_by=(
            "E1_not_connected_is_retryable_and_a_builtin_error",
            "E3_errors_say_something",
            "G4_every_method_names_itself_when_not_connected",
        ),
    ),
    _life(
        name="answers_after_disconnect",
        old="            self._settle(None)\n            self._closing = start_task",
        new="            self._closing = start_task",
        caught_by=(
            "G3_async_with_disconnects_after_an_error",
            "G3_lifecycles_and_disconnects_coalesce",
            "G4_every_method_names_itself_when_not_connected",
        ),
    ),
    _cache(
        name="names_another_method",
        old='self._check("ttl")',
        new='self._check("get")',
        caught_by=("G4_every_method_names_itself_when_not_connected",),
    ),
    _shared(
        name="shares_no_store_by_its_name",
        old="shared = _by_name.get(options.name) if options.name else None",
        new="shared = None",
        caught_by=(
            "G3_instances_reach_the_same_data",
            "C9_handles_of_one_store_share_the_call",
        ),
    ),
    _shared(
        name="ends_the_factories_of_all_when_one_leaves",
        old="        if self._users:\n            return\n",
        new="",
        caught_by=("G3_a_handle_that_leaves_ends_no_factory_of_another",),
    ),
    _cache(
        name="empties_the_store_when_one_leaves",
        old="        self._shared.leave(self)\n",
        new="        self._shared.leave(self)\n        self._store.shards[:] = [type(one)() for one in self._store.shards]\n",
        caught_by=("G3_instances_reach_the_same_data", "G3_connect_works_again_after_disconnect"),
    ),
    _life(
        name="serves_any_event_loop",
        old=_AT_HOME,
        new="passes here.\n        if self._live is None:\n",
        caught_by=("G8_another_event_loop_is_refused",),
    ),
    _life(
        name="moves_to_the_loop_that_connects_last",
        old="if self._pid == os.getpid() and not owner.is_closed():",
        new="if self._pid != os.getpid():",
        caught_by=("G8_another_event_loop_is_refused",),
    ),
    _life(
        name="lets_any_loop_disconnect_it",
        old='        self._adopt("disconnect")\n',
        new="",
        caught_by=("G8_another_event_loop_is_refused",),
    ),
    _life(
        name="belongs_to_a_closed_loop_for_ever",
        old="if self._pid == os.getpid() and not owner.is_closed():",
        new="if self._pid == os.getpid():",
        caught_by=("G8_connect_starts_afresh_when_its_loop_is_closed",),
    ),
    _life(
        name="stays_connected_when_disconnect_comes_first",
        old="        if (opening := self._opening) is not None:\n            opening.cancel()\n",
        new="        if (opening := None) is not None:\n            opening.cancel()\n",
        caught_by=("G3_disconnect_ends_a_connect_under_way",),
    ),
    _life(
        name="connects_while_it_still_closes",
        old="return opening if opening is not None and opening.cancelling() else self._closing",
        new="return opening if opening is not None and opening.cancelling() else None",
        caught_by=("G3_connect_waits_for_a_disconnect_under_way",),
    ),
    _life(
        name="ends_gracefully_though_cancelled",
        old="        except asyncio.CancelledError:\n            closing.cancel()\n            raise\n",
        new="        except asyncio.CancelledError:\n            raise\n",
        caught_by=("G7_a_cancelled_disconnect_is_forced",),
    ),
    _flights(
        name="cancels_the_waiters_of_a_factory_that_was_ended",
        old="        if task.cancelled():\n",
        new="        if False:\n",
        caught_by=(
            "G3_disconnect_ends_a_get_or_set_under_way",
            "G7_a_cancelled_disconnect_is_forced",
        ),
    ),
    _shared(
        name="waits_for_a_factory_that_never_returns",
        old="        for task in self.flights.tasks:\n            task.cancel()\n",
        new="",
        caught_by=("G3_disconnect_ends_a_get_or_set_under_way",),
    ),
    _life(
        name="lets_a_cancelled_disconnect_go_on",
        old="        except asyncio.CancelledError:\n            closing.cancel()\n            raise\n",
        new="        except asyncio.CancelledError:\n            closing.cancel()\n",
        caught_by=("G7_a_cancelled_connect_leaves_nothing",),
    ),
)
