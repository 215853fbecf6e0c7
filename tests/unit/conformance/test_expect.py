"""What the checks use to expect something fails in words when it does not come."""

from __future__ import annotations

import asyncio
import pickle  # noqa: TID251 - to show that it calls what the check plants

import pytest

from infrastructure.conformance import CachingHarness, wanted
from infrastructure.conformance._check import check
from infrastructure.conformance._expect import has_state, raises
from infrastructure.conformance.caching import values
from infrastructure.conformance.messaging import _inbox
from infrastructure.conformance.messaging._expect import raises as raises_in_time
from infrastructure.interfaces import ConnectionError, ValidationError


async def refuse() -> None:
    raise ValidationError("too long")


async def accept() -> str:
    return "accepted"


async def test_the_error_that_came_is_returned() -> None:
    """The check looks at its fields."""
    assert (await raises(ValidationError, refuse, "a long key")).message == "too long"


async def test_another_error_is_told() -> None:
    """What came and what was expected stand in the text, and the cause is kept."""
    with pytest.raises(AssertionError, match="a long key raised ValidationError: too long") as told:
        await raises(ConnectionError, refuse, "a long key")

    assert isinstance(told.value.__cause__, ValidationError)


async def test_no_error_is_told() -> None:
    """What was returned instead stands in the text."""
    with pytest.raises(AssertionError, match="a long key returned 'accepted'"):
        await raises(ValidationError, accept, "a long key")


async def test_an_error_without_a_text_is_told() -> None:
    """Nobody can act on an empty message."""

    async def say_nothing() -> None:
        raise ValidationError

    with pytest.raises(AssertionError, match="has no text"):
        await raises_in_time(ValidationError, say_nothing(), "a long key")


def test_another_code_is_told() -> None:
    """Both codes stand in the text, and what the error says."""
    error = ValidationError("no such column", sqlstate="42P01")
    has_state(error, "42P01")

    with pytest.raises(AssertionError) as told:
        has_state(error, "42703", "SELECT n")

    text = "SELECT n: sqlstate is '42P01', expected '42703': no such column"
    assert str(told.value) == text


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that never comes fails the check, with what came so far."""
    monkeypatch.setattr(_inbox, "PATIENCE", 0.01)
    inbox = _inbox.Inbox()

    with pytest.raises(AssertionError, match=r"waited 0\.01 s for 1 messages, got \[\]"):
        await inbox.wait(1)


async def test_a_body_that_ends_too_early_is_told() -> None:
    """A cancellation that hits nothing proves nothing."""

    async def ends(_inside: asyncio.Event) -> None:
        pass

    with pytest.raises(AssertionError, match="ended before it was cancelled"):
        await _inbox.cancel_inside(ends)


def test_the_planted_object_would_spring() -> None:
    """Pickle does call what the check of G13 plants: the check can fail."""
    try:
        pickle.loads(pickle.dumps(values._Planted()))
        assert values._Planted.called
    finally:
        values._Planted.called = False


@pytest.mark.parametrize("name", ["no_line_here", "X1_of_no_contract", "C5"])
def test_a_check_is_named_by_its_line(name: str) -> None:
    """A name that the table of lines cannot place is refused."""

    async def run(_harness: CachingHarness) -> None:
        """It has a docstring."""

    run.__name__ = name

    with pytest.raises(ValueError, match=f"got {name}"):
        check()(run)


def test_a_check_has_a_docstring() -> None:
    """It is what the report shows."""

    async def C1_is_silent(_harness: CachingHarness) -> None:
        pass

    with pytest.raises(ValueError, match="docstring"):
        check()(C1_is_silent)


async def test_a_harness_says_how_to_make_an_instance() -> None:
    """The class that forgot it is named; closing it needs nothing."""

    class Forgot(CachingHarness):
        pass

    with pytest.raises(TypeError, match="Forgot must say"):
        Forgot().make()

    await Forgot().advance(0)
    await Forgot().close()


def test_a_core_backend_is_asked_for_no_feature() -> None:
    """And for every documented error of a missing one."""

    class Core(CachingHarness):
        level = "core"

    @check(feature="batch")
    async def C8_with(_harness: CachingHarness) -> None:
        """Of a feature."""

    @check(absent="batch")
    async def C8_without(_harness: CachingHarness) -> None:
        """Of its absence."""

    assert not wanted(C8_with, Core)
    assert wanted(C8_without, Core)
    assert wanted(C8_with, CachingHarness)
    assert not wanted(C8_without, CachingHarness)
