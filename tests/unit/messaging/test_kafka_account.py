"""What is remembered of the letters that were replayed, in whatever order they were."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from infrastructure.messaging.kafka._account import Account

END = 40
"""Behind the last letter."""

Replays = st.lists(st.sets(st.integers(3, END - 1)), max_size=6)


@given(replays=Replays, letters=st.sets(st.integers(3, END - 1)))
def test_each_goes_back_once(replays: list[set[int]], letters: set[int]) -> None:
    """Each time somebody else reads them, with what the one before has told."""
    start, metadata, done = 3, "", set[int]()

    for chosen in replays:
        account = Account(start, metadata, END)
        given_now = {offset for offset in range(start, END) if offset in letters}
        assert {each for each in given_now if account.give(each)} == letters - done
        account.replayed(chosen & letters, END)
        done |= chosen & letters
        start, metadata = account.start, account.metadata

    assert start == min({END, *letters - done}) if replays else start == 3


def test_what_was_not_read_yet_is_not_done_with() -> None:
    """However far behind it others were replayed before."""
    account = Account(0, "50-59", 100)
    assert account.waiting == 90
    assert [account.give(offset) for offset in (0, 1, 50)] == [True, True, False]
    account.replayed({0, 1}, read=10)
    assert (account.start, account.metadata) == (10, "50-59")
    assert not account.give(9)


def test_of_very_many_the_first_are_told() -> None:
    """What is left out goes back once more: a commit takes only so much."""
    account = Account(0, None, 100_000)
    assert account.give(0)
    account.replayed(range(2, 10_000, 2), read=1)
    text = account.metadata
    assert 2900 < len(text) <= 3000
    assert text.startswith("2-2,4-4,")
    again = Account(0, text, 100_000)
    told = [offset for offset in range(10_000) if not again.give(offset)]
    assert told == list(range(2, 2 * len(told) + 1, 2))


@pytest.mark.parametrize("text", ["", "x", "1", "5-1", "-1-3", "1-3;4-5", "9" * 30 + "-1", "0-2,x"])
def test_what_somebody_else_told_is_no_matter(text: str) -> None:
    """Nor are ranges of what is there no more, or not yet."""
    account = Account(5, text, 10)
    assert account.waiting == 5
    assert all(account.give(offset) for offset in range(5, 10))
    assert Account(5, f"0-6,9-{10**18}", 10).waiting == 2
