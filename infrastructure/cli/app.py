"""The commands, their options and what becomes of an error."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from .._core.secrets import scrub
from ..conformance import Interface, Report, harness_at, harnesses_of, suite_of
from ..interfaces import ConfigurationError
from . import conform as proof
from .dlq import letters
from .exits import exits
from .logs import show_logs
from .ping import ping
from .weather.demo import run_demo

__all__ = ["InterfaceName", "app", "conform", "demo"]

app: typer.Typer = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
app.add_typer(letters, name="dlq")
app.command()(ping)


class InterfaceName(StrEnum):
    """An interface, as the command line names it."""

    CACHING = "caching"
    MESSAGING = "messaging"
    STORAGE = "storage"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("infrastructure-interfaces"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """One contract for cache, messaging and storage."""


@app.command()
def demo(
    cache: Annotated[
        str, typer.Option(help="URL of the cache; redis://host:6379/0 is a server's.")
    ] = "memory://",
    messaging: Annotated[str, typer.Option(help="URL of the messaging.")] = "memory://",
    storage: Annotated[
        str,
        typer.Option(
            help="URL of the storage; sqlite:////path/to/file.db keeps the rows, and so does "
            "postgresql://user:password@host/database."
        ),
    ] = "sqlite://",
    data: Annotated[
        Optional[Path], typer.Option(help="Another CSV file of the same columns, .gz or plain.")
    ] = None,
) -> None:
    """Send a year of weather at three airports through messaging, storage and cache.

    Exits with 1 when a count does not match, with 2 when a backend cannot be used.
    """
    console = Console(emoji=False)
    show_logs(console)

    embedded = (messaging, storage) == ("memory://", "sqlite://")
    kept = "nothing was kept" if embedded else "what left this process is kept"

    with exits(f"interrupted; {kept}, run it again"):
        complete = asyncio.run(
            run_demo(console, cache=cache, messaging=messaging, storage=storage, data=data)
        )

    raise typer.Exit(0 if complete else 1)


@app.command()
def conform(
    url: Annotated[
        Optional[str], typer.Argument(help="URL of a backend: memory://, postgresql://host/db.")
    ] = None,
    backend: Annotated[
        Optional[str],
        typer.Option(help="package.module:factory of a harness, or of a backend's own class."),
    ] = None,
    interface: Annotated[
        Optional[InterfaceName], typer.Option(help="Only this one, where the URL has several.")
    ] = None,
    checks: Annotated[str, typer.Option(help="Only checks of such a name: 'C4_*'.")] = "*",
    faults: Annotated[
        bool, typer.Option("--faults", help="The fault checks too: break its network and server.")
    ] = False,
    limit: Annotated[float, typer.Option(help="Seconds that one check may take.", min=0.1)] = 60.0,
    report: Annotated[
        Optional[Path], typer.Option(help="Write what was found to this file, as JSON.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the checks, run none.")] = False,
) -> None:
    """Prove that a backend keeps the contract, check by check.

    Exits with 1 when a check failed, with 2 when there was nothing to prove.
    """
    console = Console(soft_wrap=True, emoji=False)

    with exits("interrupted; the checks that did not run prove nothing"):
        if show:
            _list(console, checks, _listed(url, backend, interface))
            return

        name, named = _named(url, backend, interface)
        harnesses = _picked(name, named.values(), checks)
        _refuse_unwritable(report)
        _reach(harnesses if url is not None else [])
        reports = [
            proof.conform(console, make, backend=name, pattern=checks, faults=faults, limit=limit)
            for make in harnesses
        ]

        _save(reports, report)

    raise typer.Exit(0 if all(one.passed for one in reports) else 1)


def _listed(
    url: Optional[str], backend: Optional[str], interface: Optional[InterfaceName]
) -> Collection[str]:
    """Return the interfaces of what is named, all of them where nothing is; no server is asked."""
    if url is None and backend is None:
        return [one.value for one in InterfaceName if interface in (None, one)]

    return _named(url, backend, interface)[1]


def _list(console: Console, pattern: str, interfaces: Collection[str]) -> None:
    if not proof.list_checks(console, pattern, interfaces):
        msg = f"no check has a name like {pattern!r}; --list alone shows all"
        raise ConfigurationError(msg)


def _named(
    url: Optional[str], backend: Optional[str], interface: Optional[InterfaceName]
) -> tuple[str, dict[Interface, proof.MakeHarness]]:
    """Return what to call the backend, and by interface what makes its harnesses."""
    if (url is None) == (backend is None):
        msg = "name what to prove: either a URL or --backend package.module:factory"
        raise ConfigurationError(msg)

    if backend is not None:
        # A console script does not look into the folder where it was called; python -m does.
        sys.path.insert(0, "")
        make = harness_at(backend)
        found: Mapping[Interface, proof.MakeHarness] = {suite_of(make()).interface: make}
        name = backend
    else:
        assert url is not None
        found = harnesses_of(url)
        name = scrub(url)

    if interface is not None and interface.value not in found:
        msg = f"{name} has no {interface.value}; it has {' and '.join(found)}"
        raise ConfigurationError(msg)

    return name, {one: make for one, make in found.items() if interface in (None, one)}


def _picked(
    name: str, harnesses: Iterable[proof.MakeHarness], pattern: str
) -> list[proof.MakeHarness]:
    """Return those whose suite has a check that was asked for."""
    picked = [make for make in harnesses if proof.matches(make, pattern)]

    if not picked:
        msg = f"no check of {name} has a name like {pattern!r}; --list shows all"
        raise ConfigurationError(msg)

    return picked


def _reach(harnesses: Iterable[proof.MakeHarness]) -> None:
    """Raise before the checks run where nobody answers at a URL: they would all fail, for that."""
    for make in harnesses:
        proof.reach(make)


def _save(reports: list[Report], path: Optional[Path]) -> None:
    if path is not None:
        proof.save(reports, path)


def _refuse_unwritable(report: Optional[Path]) -> None:
    """Raise before the checks run, not after, where their report could not be written."""
    if report is not None:
        try:
            report.open("a").close()
        except OSError as exc:
            msg = f"the report cannot be written to {report}: {exc.strerror}"
            raise ConfigurationError(msg) from exc
