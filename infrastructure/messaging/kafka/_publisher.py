"""Publishes of many tasks on their way to the brokers, in batches that clock themselves."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from ..._core.outage import OutageLog
from ...interfaces.exceptions import ConnectionError, InfrastructureError, TimeoutError
from ._acknowledgements import Acknowledgements
from ._records import Headers
from .errors import error_of, is_fatal

__all__ = ["Publisher"]

_BATCHES = 2
"""Batches that may be unacknowledged: while one is on its way the next gathers."""

_PATIENCE = 0.05
"""Seconds after which a batch no longer holds up others: the leader of its partition may be away."""

_MOST = 10_000
"""Messages of a batch at most."""

_AGAIN = 0.01
"""Seconds until a full queue of librdkafka is tried again."""

Report = tuple["Publication", "KafkaError | None"]


class Publication:
    """One message on its way; ``answer`` is set when the brokers have it."""

    __slots__ = ("answer", "batch", "expires", "headers", "key", "payload", "reports", "topic")

    def __init__(
        self,
        topic: str,
        key: bytes | str | None,
        payload: bytes | None,
        headers: Headers,
        expires: float,
        answer: asyncio.Future[None],
        reports: list[Report],
    ) -> None:
        self.topic = topic
        self.key = key
        self.payload = payload
        self.headers = headers
        self.expires = expires
        self.answer = answer
        self.reports = reports
        self.batch: Batch | None = None

    def delivered(self, error: KafkaError | None, _message: object) -> None:
        """Take librdkafka's report; called on the thread that polls."""
        self.reports.append((self, error))


class Batch:
    """Messages that were handed over together.

    ``left``   how many have no report yet.
    ``since``  when they were handed over.
    """

    __slots__ = ("left", "members", "since")

    def __init__(self) -> None:
        self.members: list[Publication] = []
        self.left = 0
        self.since = monotonic()


class Publisher:
    """Hands messages to librdkafka, the next batch when one before is acknowledged.

    What waits here is not librdkafka's yet: where its deadline passes it is never sent.
    """

    def __init__(self, configuration: dict[str, Any], tried: str, outage: OutageLog) -> None:
        self._loop = asyncio.get_running_loop()
        self._tried = tried
        self._outage = outage
        self.is_reached = False
        """Whether a broker has answered."""
        self._configuration = configuration
        self._waiting: deque[Publication] = deque()
        self._batches: dict[Batch, None] = {}
        self._scheduled = False
        self._sweep: asyncio.TimerHandle | None = None
        self._sweep_at = math.inf
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self._quiet: asyncio.Future[None] | None = None
        self._acknowledgements = self._start()

    def _start(self) -> Acknowledgements:
        return Acknowledgements(self._configuration, self._loop, self._reported, self._lost)

    def _lost(self, reason: str) -> None:
        # Before that, whoever connects is told.
        if self.is_reached:
            self._outage.begin(reason)

    @property
    def trouble(self) -> KafkaError | None:
        """What hinders the connection to the brokers, as far as it is known."""
        return self._acknowledgements.trouble

    @property
    def client(self) -> Any:
        """The producer of librdkafka."""
        return self._acknowledgements.producer

    def send(
        self,
        topic: str,
        key: bytes | str | None,
        payload: bytes | None,
        headers: Headers,
        expires: float,
    ) -> asyncio.Future[None]:
        """Send a message with the next batch; the future tells when the brokers have it."""
        answer: asyncio.Future[None] = self._loop.create_future()
        reports = self._acknowledgements.reports
        self._waiting.append(Publication(topic, key, payload, headers, expires, answer, reports))

        if not self._scheduled:
            self._schedule()

        if expires < self._sweep_at:
            self._watch(expires)

        return answer

    def _schedule(self) -> None:
        # What other tasks publish in this turn of the loop goes along.
        self._scheduled = True
        self._loop.call_soon(self._next)

    def _next(self) -> None:
        self._scheduled = False

        while self._waiting and not self._closed and self._may_send():
            if not self._hand_over():
                break

    def _may_send(self) -> bool:
        """Return whether a further batch may leave now; else see that it does in time."""
        # While no broker can be reached one is enough to find out when they are back.
        most = 1 if self._outage.is_open else _BATCHES

        if len(self._batches) < most:
            return True

        if self._outage.is_open:
            return False

        since = next(reversed(self._batches)).since
        late = monotonic() - since > _PATIENCE

        if not late and self._retry is None:
            self._retry = self._loop.call_later(_PATIENCE, self._try_again)

        return late

    def _try_again(self) -> None:
        self._retry = None
        self._next()

    def _hand_over(self) -> bool:
        """Give librdkafka a batch; return whether it took it."""
        batch = Batch()
        waiting, produce = self._waiting, self.client.produce
        room = _MOST

        try:
            while waiting and room:
                each = waiting[0]

                if not each.answer.done():
                    produce(
                        each.topic,
                        each.payload,
                        each.key,
                        on_delivery=each.delivered,
                        headers=each.headers,
                    )
                    each.batch = batch
                    batch.members.append(each)
                    room -= 1

                waiting.popleft()
        except BufferError:
            self._loop.call_later(_AGAIN, self._next)
            return False
        except KafkaException as exc:
            self._refused(waiting.popleft(), exc)
        finally:
            if batch.members:
                batch.left = len(batch.members)
                self._batches[batch] = None

        return True

    def _refused(self, publication: Publication, exc: KafkaException) -> None:
        error: KafkaError = exc.args[0]
        publication.answer.set_exception(
            error_of(self._text(publication), error, outcome="not_applied")
        )

        if is_fatal(error):
            self._renew()

    def _text(self, publication: Publication) -> str:
        return f"publish to {publication.topic}"

    def _reported(self, reports: list[Report]) -> None:
        """Take a burst of reports."""
        fatal = False

        for publication, error in reports:
            batch = publication.batch
            assert batch is not None
            batch.left -= 1

            if not batch.left:
                self._batches.pop(batch, None)

            answer = publication.answer

            if answer.done():
                continue

            if error is None:
                self._outage.end()
                answer.set_result(None)
            else:
                fatal = fatal or is_fatal(error)
                answer.set_exception(self._failed(publication, error))

        if fatal:
            self._renew()

        if self._waiting and not self._scheduled:
            # Behind those who were just woken: they publish again.
            self._schedule()

        self._look_quiet()

    def _failed(self, publication: Publication, error: KafkaError) -> InfrastructureError:
        tried = self._text(publication)

        if error.code() == KafkaError._PURGE_QUEUE:
            msg = f"{tried}: it was given up before it was sent"
            return ConnectionError(msg, outcome="not_applied")

        return error_of(tried, error)

    def _renew(self) -> None:
        """Begin with a new producer: the one before does nothing more after a fatal error."""
        before, self._acknowledgements = self._acknowledgements, self._start()
        before.close()

        # Those that are on their way get their reports when it is closed.
        for each in self._waiting:
            each.reports = self._acknowledgements.reports

    def _watch(self, expires: float) -> None:
        if self._sweep is not None:
            self._sweep.cancel()

        self._sweep_at = expires
        self._sweep = self._loop.call_later(max(0.0, expires - monotonic()), self._expire)

    def _expire(self) -> None:
        """Fail what is overdue: unknown where it was handed over, else not applied."""
        self._sweep, self._sweep_at = None, math.inf
        now, following = monotonic(), math.inf
        sent = [each for batch in self._batches for each in batch.members]

        for each in (*sent, *self._waiting):
            if each.answer.done():
                continue

            if each.expires <= now:
                each.answer.set_exception(self._too_late(each))
            else:
                following = min(following, each.expires)

        while self._waiting and self._waiting[0].answer.done():
            self._waiting.popleft()

        if following < math.inf:
            self._watch(following)

        self._look_quiet()

    def _too_late(self, publication: Publication) -> TimeoutError:
        sent = publication.batch is not None
        more = "the brokers acknowledged it" if sent else "it could be sent"
        return TimeoutError(
            f"{self._text(publication)}: the deadline passed before {more}; do they run?",
            outcome="unknown" if sent else "not_applied",
            retryable=not sent,
            operation="publish",
        )

    async def flush(self) -> None:
        """Return when everything that somebody waits for was acknowledged, or has failed."""
        while not self._is_quiet():
            if self._quiet is None:
                self._quiet = self._loop.create_future()

            await asyncio.wait({self._quiet})

    def _is_quiet(self) -> bool:
        return not self._waiting and all(
            each.answer.done() for batch in self._batches for each in batch.members
        )

    def _look_quiet(self) -> None:
        if self._quiet is not None and self._is_quiet():
            self._quiet.set_result(None)
            self._quiet = None

    def close(self) -> None:
        """Send nothing more; what is unacknowledged fails."""
        self._closed = True

        for timer in (self._sweep, self._retry):
            if timer is not None:
                timer.cancel()

        for each in self._waiting:
            if not each.answer.done():
                each.answer.set_exception(self._cut_off(each, "not_applied"))

        for batch in self._batches:
            for each in batch.members:
                if not each.answer.done():
                    each.answer.set_exception(self._cut_off(each, "unknown"))

        self._waiting.clear()
        self._batches.clear()
        self._look_quiet()
        self.end_thread()

    def end_thread(self) -> None:
        """End the thread and the producer; touches no future of the event loop."""
        self._acknowledgements.close()

    def _cut_off(self, publication: Publication, outcome: Any) -> ConnectionError:
        msg = f"{self._text(publication)}: {self._tried} was closed by disconnect()"
        return ConnectionError(msg, outcome=outcome, operation="publish")


Reported = Callable[[list[Report]], None]
"""Takes a burst of reports on the event loop."""
