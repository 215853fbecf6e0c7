"""Caches whose get_or_set calls the factory too often, too late, or keeps what it should not."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_cache = partial(Mutant, interface="caching", module="caching.memory.cache")
_flights = partial(Mutant, interface="caching", module="interfaces._flights")
_context = partial(Mutant, interface="caching", module="interfaces._context")

MUTANTS: tuple[Mutant, ...] = (
    _cache(
        name="forgets_the_ttl_of_a_made_value",
        old="            self._store_or_drop(key, entry, ttl)\n\n            while",
        new="            self._store_or_drop(key, entry, None)\n\n            while",
        caught_by=("C9_the_value_is_stored_with_its_ttl",),
    ),
    _cache(
        name="keeps_no_made_value",
        old="            self._store_or_drop(key, entry, ttl)\n\n            while",
        new="            while",
        caught_by=(
            "C9_the_value_is_stored_with_its_ttl",
            "C9_an_answer_shares_nothing_with_the_cache",
        ),
    ),
    _flights(
        name="calls_the_factory_for_each_who_waits",
        old="        flight = self._flights.get(key)\n\n        if flight is None:",
        new="        flight = None\n\n        if flight is None:",
        caught_by=(
            "C9_one_call_however_many_wait",
            "C9_handles_of_one_store_share_the_call",
            "C9_an_older_factorys_end_touches_no_younger_one",
        ),
    ),
    _flights(
        name="makes_one_value_at_a_time_for_all_keys",
        old="        flight = self._flights.get(key)\n\n        if flight is None:",
        new='        key = ""\n        flight = self._flights.get(key)\n\n        if flight is None:',
        caught_by=("C9_one_call_however_many_wait",),
    ),
    _flights(
        name="keeps_an_error_for_the_next_caller",
        old="        if self._flights.get(key) is flight:\n            del self._flights[key]\n",
        new=(
            "        if not task.cancelled() and task.exception() is not None:\n"
            "            return\n\n"
            "        if self._flights.get(key) is flight:\n            del self._flights[key]\n"
        ),
        caught_by=("C9_the_factorys_error_reaches_all_and_is_not_cached",),
    ),
    _flights(
        name="takes_a_younger_flight_along",
        old="        if self._flights.get(key) is flight:\n            del self._flights[key]\n",
        new="        self._flights.pop(key, None)\n",
        caught_by=("C9_an_older_factorys_end_touches_no_younger_one",),
    ),
    _flights(
        name="lets_a_cancelled_waiter_cancel_the_factory",
        old="await asyncio.wait({task}, timeout=remaining)",
        new="await task",
        caught_by=(
            "C9_cancelling_some_waiters_touches_only_those",
            "G7_a_cancelled_waiter_leaves_the_factory_to_others",
        ),
    ),
    _flights(
        name="loses_a_cancellation_while_it_waits",
        old="        await asyncio.wait({task}, timeout=remaining)\n",
        new=(
            "        try:\n"
            "            await asyncio.wait({task}, timeout=remaining)\n"
            "        except asyncio.CancelledError:\n"
            "            await asyncio.wait({task}, timeout=remaining)\n"
        ),
        caught_by=(
            "G7_a_cancelled_waiter_leaves_the_factory_to_others",
            "G7_every_suspension_of_every_method_can_be_cancelled",
        ),
    ),
    _cache(
        name="stores_although_the_key_was_changed_meanwhile",
        old="if not flight.superseded:",
        new="if True:",
        caught_by=(
            "C9_a_batch_write_meanwhile_wins",
            "C9_a_caller_after_a_delete_gets_a_fresh_value",
            "C9_a_delete_meanwhile_wins",
            "C9_a_set_and_delete_meanwhile_win",
            "C9_a_set_meanwhile_wins",
        ),
    ),
    _cache(
        name="stores_when_the_key_is_missing_again",
        old="if not flight.superseded:",
        new="if self._store.find(key, self._now) is None:",
        caught_by=(
            "C9_a_batch_write_meanwhile_wins",
            "C9_a_delete_meanwhile_wins",
            "C9_a_set_and_delete_meanwhile_win",
        ),
    ),
    _cache(
        name="lets_a_batch_write_pass_unseen",
        old="self._put(key, frozen.popleft(), ttl)",
        new="self._store_or_drop(key, frozen.popleft(), ttl)",
        caught_by=("C9_a_batch_write_meanwhile_wins",),
    ),
    _cache(
        name="lets_a_batch_removal_pass_unseen",
        old="removed += sum(map(self._remove, part))",
        new="removed += sum(self._store.drop(key) is not None for key in part)",
        caught_by=("C9_a_batch_write_meanwhile_wins",),
    ),
    _flights(
        name="lets_late_callers_join_a_superseded_flight",
        old="(flight := self._flights.pop(key, None))",
        new="(flight := self._flights.get(key))",
        caught_by=(
            "C9_a_caller_after_a_delete_gets_a_fresh_value",
            "C9_an_older_factorys_end_touches_no_younger_one",
        ),
    ),
    _cache(
        name="looks_at_the_ttl_when_the_value_is_made",
        old="        check_ttl(ttl)\n        entry = self._store.use(key)\n",
        new="        entry = self._store.use(key)\n",
        caught_by=("C9_the_arguments_are_validated_before_the_factory_runs",),
    ),
    _cache(
        name="gives_a_made_value_that_it_cannot_store",
        old="        entry = self._store.freeze(key, await factory())\n",
        new=(
            "        value = await factory()\n\n"
            "        try:\n"
            "            entry = self._store.freeze(key, value)\n"
            "        except Exception:\n"
            "            return Entry(value, None, 0)\n"
        ),
        caught_by=("C9_a_made_value_that_cannot_be_stored_reaches_all_as_an_error",),
    ),
    _context(
        name="runs_the_factory_in_an_empty_context",
        old="context=Context() if context is None else context)",
        new="context=Context())",
        caught_by=("C9_the_factory_runs_in_its_callers_context",),
    ),
    _context(
        name="gives_the_factory_its_callers_deadline",
        old="    context.run(_instant.set, None)\n",
        new="",
        caught_by=("G10_the_factory_has_no_deadline_of_its_caller",),
    ),
    _flights(
        name="ends_the_factory_with_its_first_caller",
        old="        if expires <= flight.expires:\n",
        new="        if flight.timer is not None:\n",
        caught_by=("G10_the_factory_has_no_deadline_of_its_caller",),
    ),
    _flights(
        name="lets_no_waiter_go_before_the_last",
        old="remaining = None if expires == math.inf else max(0.0, expires - time.monotonic())",
        new="remaining = None",
        caught_by=("G5_a_waiter_ends_by_its_own_deadline",),
    ),
    _flights(
        name="says_cancelled_where_the_time_was_over",
        old="if flight.overdue or not task.done():",
        new="if not task.done():",
        caught_by=("C9_a_factory_ends_with_the_time_of_its_waiters",),
    ),
    _flights(
        name="lets_a_factory_run_for_nobody",
        old="        if expires != math.inf:\n",
        new="        if False:\n",
        caught_by=("C9_a_factory_ends_with_the_time_of_its_waiters",),
    ),
    _cache(
        name="ignores_the_deadline_of_the_constructor",
        old="entry = await self._shared.flights.run(key, make, expiry(self._deadline))",
        new="entry = await self._shared.flights.run(key, make, expiry(None))",
        caught_by=("G5_the_constructors_deadline_is_the_default",),
    ),
)
