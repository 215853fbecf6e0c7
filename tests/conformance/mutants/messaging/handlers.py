"""Messaging that forgets, mixes up or keeps handlers."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_memory = partial(Mutant, interface="messaging", module="messaging.memory._messaging")
_messaging = partial(Mutant, interface="messaging", module="messaging._messaging")
_delivery = partial(Mutant, interface="messaging", module="messaging._delivery")
_subscriptions = partial(Mutant, interface="messaging", module="messaging._subscriptions")
_window = partial(Mutant, interface="messaging", module="messaging._window")

MUTANTS: tuple[Mutant, ...] = (
    _subscriptions(
        name="replaces_the_handler_by_the_next_one",
        old="self.lanes = (*self.lanes, lanes)",
        new="self.lanes = (lanes,)",
        caught_by=("M5_every_handler_gets_each_message",),
    ),
    _messaging(
        name="compares_handlers_by_identity",
        old="if each.handler == registration.handler:",
        new="if each.handler is registration.handler:",
        caught_by=("M5_same_handler_twice_is_once",),
    ),
    _window(
        name="asks_the_first_handler_whether_a_message_is_finished",
        old="self.pending.extend(chain.from_iterable(zip(*queued, strict=True)))",
        new="self.pending.extend(queued[0])",
        caught_by=("M5_message_is_finished_when_all_handlers_are",),
    ),
    _memory(
        name="forgets_what_was_subscribed_before_connect",
        old="        await self._engage_all()",
        new="        self._registered.clear()",
        caught_by=(
            "M6_subscription_before_connect_is_started_by_it",
            "M6_subscriptions_survive_a_reconnect",
        ),
    ),
    _messaging(
        name="takes_the_old_connection_for_subscribed",
        old="        self._engaged.clear()",
        new="        pass",
        caught_by=("M6_subscriptions_survive_a_reconnect",),
    ),
    _memory(
        name="returns_from_subscribe_before_it_joined",
        old="            self._group.join(self._broker.topic(topic), self._member, self._instance)",
        new=(
            "            asyncio.get_running_loop().call_soon(\n"
            "                self._group.join, self._broker.topic(topic), self._member, self._instance\n"
            "            )"
        ),
        caught_by=("M1_published_message_arrives",),
    ),
    _messaging(
        name="calls_handlers_that_were_unsubscribed",
        old="        engine.end(topic)\n\n",
        new="\n",
        caught_by=("M7_unsubscribe_ends_all_handlers_of_the_topic",),
    ),
    _messaging(
        name="leaves_the_handlers_of_what_is_unsubscribed",
        old="        engine.end(topic)\n\n",
        new="",
        caught_by=("M7_topic_can_be_subscribed_again",),
    ),
    _messaging(
        name="knows_all_topics_that_are_unsubscribed",
        old="self._registered.pop(check_topic(topic), ())",
        new="self._registered.pop(check_topic(topic))",
        caught_by=("M7_unsubscribe_of_an_unknown_topic_has_no_effect",),
    ),
    _delivery(
        name="cancels_what_runs_when_unsubscribed",
        old="await self._watch.until(lambda: not subscription.is_running(), within)",
        new="pass",
        caught_by=("M7_unsubscribe_waits_for_running_handlers",),
    ),
    _messaging(
        name="counts_a_cancelled_subscription_as_made",
        old="            await engine.prepare(topic, registration.options)\n",
        new="            self._engaged.add(registration)\n            await asyncio.sleep(0)\n",
        caught_by=("G7_cancelled_subscribe_leaves_the_instance_usable",),
    ),
    _memory(
        name="keeps_its_partitions_after_unsubscribe",
        old="        if connected and member is not None:\n            self._group.leave(log, member)",
        new="        if connected and member is not None:",
        caught_by=(
            "M7_topic_can_be_subscribed_again",
            "M7_handler_may_subscribe_another_in_its_place",
        ),
    ),
)
