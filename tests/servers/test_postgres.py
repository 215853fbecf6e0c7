"""The PostgreSQL of the run, and one's own: what it keeps, whom it lets in, what it leaves."""

from __future__ import annotations

import psycopg
import pytest

from . import shared
from .postgres_endpoint import PostgresEndpoint


def ask(endpoint: PostgresEndpoint, query: str) -> object:
    """Return the one value of an answer."""
    with endpoint.control() as control:
        [[value]] = control.execute(query)  # type: ignore[call-overload] # ours
        return value


def refused(url: str, reason: str) -> None:
    """Expect that nobody is let in by this URL."""
    with pytest.raises(psycopg.OperationalError, match=reason):
        psycopg.connect(url)


async def test_it_answers(postgres: PostgresEndpoint) -> None:
    """By its URL, as what it is, and durably."""
    assert int(ask(postgres, "SHOW server_version_num")) >= 180000
    assert ask(postgres, "SHOW fsync") == "on"
    assert ask(postgres, "SELECT upper('ä' || 'سلام')") == "Äسلام"


def test_a_server_of_the_run_is_started_once(postgres: PostgresEndpoint) -> None:
    """Whoever asks for it gets the same."""
    assert shared.postgres() is postgres


def test_a_server_that_is_given_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """`POSTGRES_URL` names it, with its account, and nothing is started."""
    url = "postgresql://ada:p%20w%40rd@db.example:7000/things?sslmode=require"
    monkeypatch.setenv("POSTGRES_URL", url)
    endpoint = shared.postgres.__wrapped__()
    assert type(endpoint) is PostgresEndpoint
    assert (endpoint.url, endpoint.address()) == (url, url)
    assert (endpoint.host, endpoint.port, endpoint.name) == ("db.example", 7000, "things")
    assert (endpoint.user, endpoint.password) == ("ada", "p w@rd")
    assert repr(endpoint) == "<PostgresEndpoint things on db.example:7000>"


def test_a_database_of_ones_own_is_empty_and_goes(postgres: PostgresEndpoint) -> None:
    """Even with somebody connected to it."""
    with postgres.database() as database, database.control() as control:
        control.execute("CREATE TABLE a (b int)")
        assert ask(database, "SELECT count(*) FROM a") == 0
        assert ask(database, "SELECT current_database()") == database.name != postgres.name

    refused(database.url, "does not exist")
