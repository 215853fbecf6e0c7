"""Messaging that connects twice, works where it must not or does not know when to end."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_memory = partial(Mutant, interface="messaging", module="messaging.memory._messaging")
_messaging = partial(Mutant, interface="messaging", module="messaging._messaging")
_lifecycle = partial(Mutant, interface="messaging", module="_core.lifecycle")
_lanes = partial(Mutant, interface="messaging", module="messaging._lanes")

MUTANTS: tuple[Mutant, ...] = (
    _lifecycle(
        name="connects_once_more_when_connected",
        old="                self._taken = True\n                return\n",
        new="                pass\n",
        caught_by=("M14_disconnect_leaves_no_task",),
    ),
    _lifecycle(
        name="disconnects_only_what_is_connected",
        old='self._adopt("disconnect")',
        new='self._check("disconnect")',
        caught_by=(
            "G3_connect_and_disconnect_are_idempotent",
            "G5_expired_deadline_does_not_stop_disconnect",
        ),
    ),
    _lifecycle(
        name="opens_for_each_of_those_who_connect",
        old="if self._opening is None:",
        new="if True:",
        caught_by=("G3_lifecycles_share_one_attempt",),
    ),
    _messaging(
        name="stays_connected_after_the_block",
        old="        await self.disconnect()",
        new="        pass",
        caught_by=("G3_async_with_connects_and_disconnects",),
    ),
    _lifecycle(
        name="does_not_name_the_method",
        old='msg = f"{operation}: {self._describe()} {how}; call connect() first"',
        new='msg = f"{self._describe()} {how}; call connect() first"',
        caught_by=("G4_methods_name_themselves_when_not_connected",),
    ),
    _memory(
        name="works_in_any_event_loop",
        old="if (self._thread != get_ident() or not self._is_running()) and not self._finishing():",
        new="if self._live is None and not self._finishing():",
        caught_by=("G8_use_from_another_loop_is_refused",),
    ),
    _memory(
        name="publishes_after_the_deadline",
        old='refuse_when_expired("publish")',
        new="pass",
        caught_by=("G5_expired_deadline_publishes_nothing",),
    ),
    _messaging(
        name="drains_though_the_deadline_is_over",
        old="self._drain = min(self._drain, max(_LEAST_DRAIN, expiry(None) - time.monotonic()))",
        new="self._drain = 1.5",
        caught_by=("G5_expired_deadline_does_not_stop_disconnect",),
    ),
    _messaging(
        name="unsubscribes_as_long_as_it_takes",
        old='async with Limit("unsubscribe", within + _MARGIN, outcome="unknown"):',
        new="async with asyncio.timeout(within + _MARGIN):",
        caught_by=("G5_unsubscribe_ends_by_the_deadline",),
    ),
    _lanes(
        name="gives_a_handler_the_time_of_one_call",
        old="                    await handler(payload(call))",
        new=(
            "                    from infrastructure import deadline\n\n"
            "                    with deadline(10):\n"
            "                        await handler(payload(call))"
        ),
        caught_by=("G10_handler_inherits_no_deadline",),
    ),
    _lanes(
        name="hands_on_what_a_handler_left_in_its_context",
        old="if len(copy_context()) != 1:",
        new="if False:",
        caught_by=("G10_nothing_a_handler_left_reaches_the_next",),
    ),
)
