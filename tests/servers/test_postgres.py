"""The PostgreSQL of the run: what it is, whom it lets in, and what a test may have of its own there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from . import debian_postgres as debian, shared
from .certificates import Certificates
from .postgres_endpoint import PostgresEndpoint
from .postgres_server import PostgresServer


def refused(url: str, reason: str) -> None:
    """Expect that nobody is let in by this URL."""
    with pytest.raises(psycopg.OperationalError, match=reason):
        psycopg.connect(url)


def test_it_answers(postgres: PostgresEndpoint) -> None:
    """As what it is, durably, and with letters that are not ASCII."""
    assert int(postgres.ask("SHOW server_version_num")) >= 180000
    assert postgres.ask("SHOW fsync") == "on"
    assert postgres.ask("SELECT upper('ä' || 'سلام')") == "Äسلام"


def test_debians_is_an_older_one(debian_postgres: PostgresServer) -> None:
    """It has the same settings, and capitals too."""
    assert 130000 <= int(debian_postgres.ask("SHOW server_version_num")) < 180000
    assert debian_postgres.ask("SHOW fsync") == "on"
    assert debian_postgres.ask("SELECT upper('ä' || 'سلام')") == "Äسلام"


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


def test_a_url_can_be_changed() -> None:
    """Name, password, database and options; another user does not take the password along."""
    endpoint = PostgresEndpoint("postgresql://ada:a@h:1/d?sslmode=require")
    assert endpoint.address(name="سلام") == (
        "postgresql://ada:a@h:1/%D8%B3%D9%84%D8%A7%D9%85?sslmode=require"
    )
    assert endpoint.address(user="b/c", sslmode="disable") == (
        "postgresql://b%2Fc@h:1/d?sslmode=disable"
    )
    assert endpoint.address(password="x y") == "postgresql://ada:x%20y@h:1/d?sslmode=require"


def test_a_database_of_ones_own_is_empty_and_goes(postgres: PostgresEndpoint) -> None:
    """Even with somebody connected to it."""
    with postgres.database() as database, database.control() as control:
        control.execute("CREATE TABLE a (b int)")
        assert database.ask("SELECT count(*) FROM a") == 0
        assert database.ask("SELECT current_database()") == database.name != postgres.name

    refused(database.url, "does not exist")


def test_a_database_is_another_for_each_test(postgres_database: PostgresEndpoint) -> None:
    """The fixture's has nothing in it."""
    assert postgres_database.ask("SELECT count(*) FROM pg_stat_user_tables") == 0


def test_a_role_has_no_privilege(postgres_database: PostgresEndpoint) -> None:
    """Nobody's table is its to read, and it may make none; its password is asked for."""
    with postgres_database.control() as control:
        control.execute("CREATE TABLE a (b int)")

    with postgres_database.role() as role, role.control() as control:
        assert control.execute("SELECT current_user").fetchone() == (role.user,)
        refused(role.address(password="wrong"), "password authentication failed")
        refused(role.address(user=role.user), "no password supplied")

        for text in ("SELECT FROM a", "CREATE TABLE c (b int)", "CREATE DATABASE d"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                control.execute(text)

    with postgres_database.role("CREATEDB") as role, role.control() as control:
        control.execute(f"CREATE DATABASE {role.user}")
        control.execute(f"DROP DATABASE {role.user}")

    refused(role.url, "password authentication failed")


def test_tls_is_verified(postgres_tls: PostgresServer, certificates: Certificates) -> None:
    """Against the authority; another one is refused, and so is clear text."""
    assert postgres_tls.ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
    other = str(certificates.authority)
    refused(postgres_tls.address(sslrootcert=other), "certificate verify failed")
    refused(postgres_tls.address(sslmode="disable"), "no encryption")


def test_a_password_is_asked_for(postgres_tls: PostgresServer) -> None:
    """By SCRAM; a wrong one is refused, an unknown user too, and so is who has none."""
    refused(postgres_tls.address(password="wrong"), "password authentication failed")
    refused(postgres_tls.address(user="ada", password="wrong"), "password authentication failed")
    refused(postgres_tls.address(user="postgres"), "no password supplied")

    with postgres_tls.role() as role:
        assert role.ask("SELECT current_user") == role.user

    assert str(postgres_tls.password) not in (postgres_tls.folder / "server.log").read_text()


@pytest.fixture
async def mutual(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    made = Certificates(tmp_path, mutual=True)

    async with PostgresServer(debian.program(), certificates=made, password="secret") as server:
        yield server


@pytest.mark.slow
async def test_a_client_may_have_to_show_a_certificate(mutual: PostgresServer) -> None:
    """With it it is let in, without it not."""
    assert mutual.ask("SELECT 1") == 1
    refused(mutual.address(sslcert="", sslkey=""), "valid client certificate")
    assert "secret" not in repr(mutual)
