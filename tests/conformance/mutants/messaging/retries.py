"""Messaging that judges errors wrongly."""

from __future__ import annotations

from functools import partial

from .._mutant import Mutant

__all__ = ["MUTANTS"]

_attempts = partial(Mutant, interface="messaging", module="messaging._attempts")
_lanes = partial(Mutant, interface="messaging", module="messaging._lanes")
_options = partial(Mutant, interface="messaging", module="messaging._options")
_subscriptions = partial(Mutant, interface="messaging", module="messaging._subscriptions")

_CANCELLED = (
    "            trouble = self._trouble(call)\n"
    "            trouble.outages += 1\n"
    "            self._park(call, trouble)"
)

MUTANTS: tuple[Mutant, ...] = (
    _lanes(
        name="acknowledges_a_failed_message",
        old="                    await self._failed(runner, call, exc)",
        new="                    call.finish()\n                    release(call)",
        caught_by=("M4_failed_message_is_not_lost", "M5_each_handler_is_retried_alone"),
    ),
    _attempts(
        name="waits_out_every_error",
        old='return getattr(exc, "retryable", False) is True',
        new="return True",
        caught_by=("M9_error_is_an_attempt",),
    ),
    _attempts(
        name="waits_out_every_error_of_the_system",
        old="isinstance(exc, (builtins.ConnectionError, ConfigurationError))",
        new="isinstance(exc, (OSError, ConfigurationError))",
        caught_by=("M9_timeout_that_is_not_retryable_is_an_attempt",),
    ),
    _attempts(
        name="does_not_wait_for_the_configuration_to_be_mended",
        old="isinstance(exc, (builtins.ConnectionError, ConfigurationError))",
        new="isinstance(exc, builtins.ConnectionError)",
        caught_by=("M9_outage_is_no_attempt",),
    ),
    _attempts(
        name="does_not_ask_whether_an_error_is_retryable",
        old='return getattr(exc, "retryable", False) is True',
        new="return False",
        caught_by=("M9_outage_is_no_attempt",),
    ),
    _attempts(
        name="counts_the_attempts_of_an_outage",
        old="        trouble.outages += 1\n        return Verdict.WAIT",
        new="        trouble.attempts += 1\n        return Verdict.WAIT",
        caught_by=("M9_outage_is_no_attempt",),
    ),
    _lanes(
        name="counts_a_cancelled_call",
        old=_CANCELLED,
        new=_CANCELLED.replace("outages", "attempts"),
        caught_by=("M9_cancelled_error_of_a_handler_is_no_attempt",),
    ),
    _lanes(
        name="acknowledges_a_cancelled_call",
        old=_CANCELLED,
        new="            call.finish()\n            self.queue.release(call)",
        caught_by=("M9_cancelled_error_of_a_handler_is_no_attempt",),
    ),
    _subscriptions(
        name="takes_the_handler_timeout_for_an_outage",
        old='raise TimeoutError(msg, operation="subscribe") from exc',
        new='raise TimeoutError(msg, operation="subscribe", retryable=True) from exc',
        caught_by=("M9_handler_timeout_is_an_attempt",),
    ),
    _options(
        name="ignores_the_options_of_a_subscription",
        old="return replace(self, **overrides)",
        new="return self",
        caught_by=("M9_override_of_a_subscription_counts_for_it_alone",),
    ),
    _attempts(
        name="waits_for_ever_though_told_how_long",
        old="options.outage_retry is not None and now",
        new="False and now",
        caught_by=("M9_outage_retry_bounds_the_wait",),
    ),
    _attempts(
        name="repeats_what_never_becomes_valid",
        old="isinstance(exc, (Undecodable, *options.reject_on))",
        new="isinstance(exc, Undecodable)",
        caught_by=("M9_rejected_message_goes_to_the_dead_letters_at_once",),
    ),
    _attempts(
        name="repeats_at_once",
        old="* (1 - random / 2)",
        new="* 0",
        caught_by=(
            "M11_key_in_back_off_delays_no_other",
            "M9_back_off_doubles",
        ),
    ),
    _attempts(
        name="waits_as_long_at_each_attempt",
        old="first * 2.0 ** min(number - 1, 60)",
        new="first",
        caught_by=("M9_back_off_doubles",),
    ),
    Mutant(
        name="tells_how_many_attempts_were_before",
        interface="messaging",
        module="messaging._calls",
        old="return self.record.info(1 if self.trouble is None else self.trouble.attempts + 1)",
        new="return self.record.info(0 if self.trouble is None else self.trouble.attempts)",
        caught_by=(
            "M2_handler_is_told_key_and_headers",
            "M9_error_is_an_attempt",
        ),
    ),
    _attempts(
        name="forgets_the_attempts_before_an_outage",
        old="        trouble.outages += 1\n        return Verdict.WAIT",
        new="        trouble.outages += 1\n        trouble.attempts = 0\n        return Verdict.WAIT",
        caught_by=("M9_outage_is_no_attempt",),
    ),
    _lanes(
        name="counts_anew_after_each_repetition",
        old="        self.queue.resume(call)\n        self.wake()",
        new="        call.trouble = None\n        self.queue.resume(call)\n        self.wake()",
        caught_by=(
            "M9_error_is_an_attempt",
            "M10_message_out_of_attempts_becomes_a_dead_letter",
        ),
    ),
    _attempts(
        name="waits_longer_than_the_longest_back_off",
        old="min(longest, first * 2.0 ** min(number - 1, 60))",
        new="(first * 2.0 ** min(number - 1, 60))",
        caught_by=("M9_back_off_ends_at_its_longest",),
    ),
)
