"""``infrastructure dlq``: looks at the dead letters of a topic, and sends them back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, Optional

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from .._core.tasks import start_task
from ..interfaces import ConfigurationError
from ..messaging.letters import DeadLetter, DeadLetterBox, DeadLetterOffice
from ..opening import open_messaging
from .exits import exits

__all__ = ["letters"]

letters: typer.Typer = typer.Typer(
    no_args_is_help=True, help="Look at the dead letters of a topic, and send them back."
)

_Url = Annotated[str, typer.Argument(help="URL of the messaging: kafka://host:9092.")]
_Topic = Annotated[str, typer.Argument(help="The topic whose messages failed.")]
_StoredIn = Annotated[
    Optional[str], typer.Option(help="Where its dead letters are, if not in TOPIC.dlq.")
]

_ID = re.compile("[0-9]+-[0-9]+")
_COLUMNS = ("id", "key", "group, handler", "error", "attempts", "first failed")


@letters.command("list")
def _list(
    url: _Url,
    topic: _Topic,
    stored_in: _StoredIn = None,
    most: Annotated[int, typer.Option(help="Show at most so many.", min=1)] = 50,
) -> None:
    """List the dead letters that were not replayed yet."""
    with exits("interrupted"):
        asyncio.run(_list_letters(Console(emoji=False), url, topic, stored_in=stored_in, most=most))


@letters.command("show")
def _show(
    url: _Url,
    topic: _Topic,
    letter: Annotated[str, typer.Argument(help="Its id, as `list` shows it: 0-17.")],
    stored_in: _StoredIn = None,
) -> None:
    """Show all that is known of one dead letter. Exits with 1 where there is none of that id."""
    with exits("interrupted"):
        console = Console(soft_wrap=True, emoji=False)

        if not _ID.fullmatch(letter):
            msg = f"{letter!r:.60} is no id: one looks like 0-17, and `dlq list` shows them"
            raise ConfigurationError(msg)

        if not asyncio.run(_show_letter(console, url, topic, letter, stored_in=stored_in)):
            console.print(f"{topic} has no dead letter {letter} that was not replayed yet")
            raise typer.Exit(1)


@letters.command("replay")
def _replay(url: _Url, topic: _Topic, stored_in: _StoredIn = None) -> None:
    """Publish all of them to their topic again, each for the handler that could not handle it."""
    with exits("interrupted; what went back went back, run it again for the rest"):
        asyncio.run(_replay_letters(Console(emoji=False), url, topic, stored_in=stored_in))


@asynccontextmanager
async def _opened(
    url: str, topic: str, stored_in: Optional[str]
) -> AsyncGenerator[DeadLetterBox, None]:
    messaging = open_messaging(url)

    if stored_in == topic:
        msg = f"--stored-in: {topic} holds the messages that failed; its dead letters are elsewhere"
        raise ConfigurationError(msg)

    if not isinstance(messaging, DeadLetterOffice):
        msg = f"{messaging!r} keeps no dead letters for others: subscribe to {topic}.dlq instead"
        raise ConfigurationError(msg)

    async with messaging, messaging.dead_letters(topic, stored_in=stored_in) as box:
        yield box


async def _list_letters(
    console: Console, url: str, topic: str, *, stored_in: Optional[str], most: int
) -> int:
    """Show the letters that were not replayed yet, at most so many; return how many there are."""
    # On a narrow terminal the end of a long name would be cut off.
    table = Table(*(Column(name, overflow="fold") for name in _COLUMNS))
    count = 0

    async with _opened(url, topic, stored_in) as box:
        async for page in box:
            for letter in page:
                count += 1

                if count <= most:
                    table.add_row(*map(escape, _row(letter)))

    if count:
        console.print(table)

    more = f", the first {most} of them shown" if count > most else ""
    told = (
        f"1 dead letter of {topic} waits"
        if count == 1
        else f"{count:,} dead letters of {topic} wait"
    )
    console.print(told + more, highlight=False)
    return count


def _row(letter: DeadLetter) -> tuple[str, ...]:
    error = letter.error.rpartition(".")[2]
    said = f"{error}: {letter.error_text}" if letter.error_text else error
    return (
        f"{letter.record.partition.number}-{letter.record.offset}",
        "" if letter.record.key is None else f"{letter.record.key!s:.40}",
        f"{letter.group}, {letter.handler}",
        " ".join(said.split())[:120],
        letter.attempts,
        letter.first_failed[:19].replace("T", " "),
    )


async def _show_letter(
    console: Console, url: str, topic: str, letter_id: str, *, stored_in: Optional[str]
) -> bool:
    """Show all of one letter; return whether it is there."""
    async with _opened(url, topic, stored_in) as box:
        async for page in box:
            for letter in page:
                if _row(letter)[0] == letter_id:
                    _print(console, letter)
                    return True

    return False


def _print(console: Console, letter: DeadLetter) -> None:
    topic, partition, offset = letter.origin
    told: dict[str, Any] = {
        "origin": f"{topic}, partition {partition}, offset {offset}",
        "key": letter.record.key,
        "group": letter.group,
        "handler": letter.handler,
        "attempts": letter.attempts,
        "first failed": letter.first_failed,
        "error": letter.error,
        "error text": letter.error_text,
        **{f"header {name}": value for name, value in letter.headers.items()},
        "payload": repr(letter.payload),
    }

    for name, value in told.items():
        console.print(f"[bold]{escape(name)}[/]: {escape(str(value))}", highlight=False)


async def _replay_letters(
    console: Console, url: str, topic: str, *, stored_in: Optional[str]
) -> int:
    """Send all letters back that were not yet; return how many went."""
    columns = (TextColumn("replayed"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    count = 0

    async with _opened(url, topic, stored_in) as box:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("replayed", total=box.waiting)

            async for page in box:
                await _to_its_end(box.replay(page))
                count += len(page)
                progress.update(bar, completed=count)

            progress.update(bar, total=count)

    told = "1 message" if count == 1 else f"{count:,} messages"
    console.print(f"{told} went back to {topic}", highlight=False)
    return count


async def _to_its_end(replaying: Coroutine[Any, Any, None]) -> None:
    """Wait for it, though interrupted: what went and is not remembered would go twice."""
    task = start_task(replaying, name="dlq replay")

    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
