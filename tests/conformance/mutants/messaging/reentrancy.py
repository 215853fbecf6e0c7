"""Messaging that waits for itself, or for too few, when a handler calls it."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_memory = partial(Mutant, interface="messaging", module="messaging.memory._messaging")
_messaging = partial(Mutant, interface="messaging", module="messaging._messaging")
_watch = partial(Mutant, interface="messaging", module="messaging._watch")

MUTANTS: tuple[Mutant, ...] = (
    _watch(
        name="waits_for_every_handler_that_runs",
        old="return call in self._waiting",
        new="return False",
        caught_by=("M7_handler_that_disconnects_and_one_that_unsubscribes_both_return",),
    ),
    _watch(
        name="knows_a_handler_by_its_task",
        old="return infos if isinstance(infos, Call) else None",
        new=(
            "own = asyncio.current_task().get_name()\n"
            '    return infos if isinstance(infos, Call) and ": handler " in own else None'
        ),
        caught_by=(
            "M7_unsubscribe_from_inside_its_handler_returns",
            "M7_disconnect_from_inside_a_handler_returns",
        ),
    ),
    _messaging(
        name="waits_in_subscribe_for_what_runs",
        old="                        await self._join(topic)\n            except",
        new=(
            "                        await self._join(topic)\n"
            "                        engine = self._engine\n"
            "                        await engine.until(lambda: not engine._running(), 30)\n"
            "            except"
        ),
        caught_by=("M7_subscribe_from_inside_a_handler_returns",),
    ),
    _memory(
        name="forgets_a_topic_that_was_subscribed_again",
        old="            if member.engine.handles(topic):",
        new="            if False:",
        caught_by=("M7_handler_may_subscribe_another_in_its_place",),
    ),
    _messaging(
        name="waits_for_others_that_wait_too",
        old="lambda: closing.done() or engine.is_resting(), self",
        new="lambda: closing.done() or engine._running() == [caller], self",
        caught_by=("M7_handlers_that_disconnect_do_not_wait_for_each_other",),
    ),
    _messaging(
        name="returns_at_once_to_a_handler_that_disconnects",
        old="lambda: closing.done() or engine.is_resting(), self",
        new="lambda: True, self",
        caught_by=("M7_disconnect_from_inside_waits_for_the_others",),
    ),
    _messaging(
        name="returns_at_once_to_a_handler_that_unsubscribes",
        old="(caller is not None and engine.is_resting(topic)),",
        new="caller is not None,",
        caught_by=("M7_unsubscribe_from_inside_waits_for_the_others",),
    ),
)
