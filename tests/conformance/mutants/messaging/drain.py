"""Messaging that ends too early, too late, or swallows a cancellation."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_memory = partial(Mutant, interface="messaging", module="messaging.memory._messaging")
_messaging = partial(Mutant, interface="messaging", module="messaging._messaging")
_delivery = partial(Mutant, interface="messaging", module="messaging._delivery")
_lifecycle = partial(Mutant, interface="messaging", module="_core.lifecycle")

MUTANTS: tuple[Mutant, ...] = (
    _delivery(
        name="disconnects_without_waiting_for_what_runs",
        old="await self._watch.until(lambda: not self._running(), within)",
        new="pass",
        caught_by=("M14_disconnect_lets_running_handlers_finish",),
    ),
    _delivery(
        name="starts_calls_while_it_drains",
        old="return self._shut(self._windows.of())",
        new="return self._windows.of()",
        caught_by=("M14_disconnect_lets_running_handlers_finish",),
    ),
    _delivery(
        name="commits_nothing_at_the_end",
        old="        await self._windows.commit(windows)",
        new="        pass",
        caught_by=("M14_disconnect_lets_running_handlers_finish",),
    ),
    _lifecycle(
        name="returns_before_it_is_closed",
        old="            await asyncio.wait({closing})\n        except",
        new="            await asyncio.sleep(0)\n        except",
        caught_by=("M14_disconnect_leaves_no_task",),
    ),
    _messaging(
        name="drains_longer_than_told",
        old="await self._engine.drain(self._drain)",
        new="await self._engine.drain(30)",
        caught_by=("M14_drain_ends_in_time",),
    ),
    Mutant(
        name="acknowledges_what_the_drain_cut_off",
        interface="messaging",
        module="messaging._window",
        old="        self.advance()\n        self.open = False",
        new=(
            "        for delivery in self.pending:\n"
            "            delivery.finish()\n\n"
            "        self.advance()\n"
            "        self.open = False"
        ),
        caught_by=("M14_drain_ends_in_time", "G7_cancelled_body_skips_the_drain"),
    ),
    _memory(
        name="refuses_what_a_handler_publishes_during_the_drain",
        old=" and not self._finishing():",
        new=":",
        caught_by=("M14_running_handler_may_publish_during_the_drain",),
    ),
    _messaging(
        name="drains_after_a_cancelled_body",
        old="self._drain, self._close_within = 0.0, _FORCED",
        new="self._drain, self._close_within = 1.5, _FORCED + 1.5",
        caught_by=("G7_cancelled_body_skips_the_drain",),
    ),
    _lifecycle(
        name="swallows_the_cancellation_of_a_disconnect_that_drains",
        old="            closing.cancel()\n            raise",
        new="            closing.cancel()",
        caught_by=(
            "G7_cancelling_disconnect_forces_it",
            "G7_cancelled_connect_and_disconnect_leave_nothing",
        ),
    ),
    _memory(
        name="swallows_the_cancellation_of_publish",
        old="            await asyncio.sleep(0)\n\n        if not",
        new=(
            "            try:\n"
            "                await asyncio.sleep(0)\n"
            "            except asyncio.CancelledError:\n"
            "                return\n\n        if not"
        ),
        caught_by=("G7_every_suspension_of_every_method_can_be_cancelled",),
    ),
)
