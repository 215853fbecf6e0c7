"""A link that is out of step is found by a question among the others, and by answers of a wrong kind."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure import ConnectionError
from infrastructure.caching.redis._commands import Commands
from infrastructure.caching.redis._request import Request
from infrastructure.caching.redis._signals import Refused
from infrastructure.caching.redis._sinks import Probe
from infrastructure.caching.redis._wording import Wording


def probe(failures: list[BaseException]) -> Probe:
    return Probe(failures.append, 10.0)


def own_answer(question: Probe) -> bytes:
    return question.request.split(b"\r\n")[-2]


class TestTheQuestion:
    """It waits in the queue as a future does."""

    def test_its_own_answer_is_right(self) -> None:
        """Nothing happens, and it may be asked again later."""
        failures: list[BaseException] = []
        question = probe(failures)
        assert not question.is_over(11.0)
        question.set_result(own_answer(question))
        assert question.is_over(11.0)
        assert not question.is_over(9.0)
        assert not failures

    @pytest.mark.parametrize("reply", [b"OK", None, 1, [b"x"], b"step 0 of another"])
    def test_any_other_answer_fails_the_link(self, reply: Any) -> None:
        """That of another question above all."""
        failures: list[BaseException] = []
        probe(failures).set_result(reply)
        assert [type(failure) for failure in failures] == [ConnectionResetError]

    def test_two_questions_are_never_the_same(self) -> None:
        """One could take the other's answer for its own."""
        failures: list[BaseException] = []
        probe(failures).set_result(own_answer(probe(failures)))
        assert failures

    def test_an_error_proves_nothing(self) -> None:
        """A server may forbid PING, or be loading."""
        failures: list[BaseException] = []
        question = probe(failures)
        question.set_result(Refused("NOPERM no permission"))
        assert not failures
        assert question.is_over(11.0)

    def test_it_waits_on_after_a_deadline(self) -> None:
        """Its answer may be late, and counts all the same."""
        failures: list[BaseException] = []
        question = probe(failures)
        question.set_exception(TimeoutError())
        assert not question.done()
        assert not question.is_over(11.0)
        assert not failures


COMMANDS = Commands("", clustered=False)
GET = COMMANDS.get("get", "key")
SET = COMMANDS.set("set", "key", b"data", None)
EXPIRING = COMMANDS.set("set", "key", b"data", 5)
DELETE = COMMANDS.delete("delete", "key")
EXISTS = COMMANDS.exists("key")
LEFT = COMMANDS.left("ttl", "key")


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (GET, b"x"),
        (GET, None),
        (SET, b"OK"),
        (EXPIRING, b"OK"),
        (DELETE, 0),
        (EXISTS, 1),
        (LEFT, -2),
        (Request("it", ("EVAL", "..."), "key", reads=True), {"whatever": 1}),
    ],
)
def test_an_answer_of_the_right_kind_fits(request_: Request, reply: Any) -> None:
    """What is not looked at fits always."""
    assert request_.fits(reply)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (GET, 1),
        (GET, [b"x"]),
        (SET, 1),
        (EXPIRING, [b"OK"]),
        (DELETE, b"OK"),
        (DELETE, True),
        (EXISTS, b"1"),
        (LEFT, None),
    ],
)
def test_an_answer_of_another_kind_does_not(request_: Request, reply: Any) -> None:
    """The stream was damaged then, and no later answer can be believed either."""
    assert not request_.fits(reply)


@pytest.mark.parametrize(("request_", "outcome"), [(GET, "not_applied"), (SET, "unknown")])
def test_it_is_an_error_of_the_connection(request_: Request, outcome: str) -> None:
    """Whether a write was done is not known then."""
    error = Wording("redis://somewhere").damaged(request_)

    assert isinstance(error, ConnectionError)
    assert (error.outcome, error.operation) == (outcome, request_.operation)
