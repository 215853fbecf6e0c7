"""Behind PgBouncer a connection is told apart, and what it sets stays its own."""

from __future__ import annotations

from infrastructure.interfaces import ConfigurationError
from infrastructure.storage.postgres._dial import Dialled

from ...servers.pgbouncer import PgBouncer
from .test_postgres_dial import ask, dialled, refused

WHERE = "SELECT pg_backend_pid()::text"


def zone(found: Dialled) -> str:
    return ask(found, "SHOW TimeZone")


async def test_a_pooler_is_seen(pgbouncer: PgBouncer) -> None:
    """Another process answers than the one that let us in."""
    with pgbouncer.database() as database:
        found = await dialled(database.url)
        assert found.pooled
        assert found.server_version >= 120000
        assert (found.read_only, found.in_recovery, found.timescale) == (False, False, None)
        found.pgconn.finish()


async def test_the_time_zone_is_kept_there(pgbouncer: PgBouncer) -> None:
    """Whoever had the server's connection meanwhile; nor do others get ours."""
    with pgbouncer.database() as database, database.control() as other:
        one = await dialled(database.url)
        two = await dialled(database.url)

        for _ in range(3):
            assert other.execute("SHOW TimeZone").fetchone() == ("Asia/Tehran",)
            assert zone(one) == zone(two) == "UTC"

        [shared] = other.execute(WHERE).fetchone() or ()
        assert ask(one, WHERE) == ask(two, WHERE) == shared
        one.pgconn.finish()
        two.pgconn.finish()


async def test_settings_cannot_be_made_there(pgbouncer: PgBouncer) -> None:
    """They would be somebody else's next; nothing was set."""
    with pgbouncer.database() as database:
        settings = {"search_path": "hunter2"}
        error = await refused(ConfigurationError, database.url, settings=settings)
        assert "a pooler stands before the server" in str(error)
        assert "ALTER ROLE ... SET search_path = ..." in str(error)
        assert "hunter2" not in str(error)
        assert database.ask("SHOW search_path") == '"$user", public'


async def test_what_the_role_has_need_not_be_made(pgbouncer: PgBouncer) -> None:
    """As the text of the refusal advises; the settings may stay where they are."""
    with pgbouncer.role() as role:
        with pgbouncer.control() as control:
            control.execute(f'ALTER ROLE "{role.user}" SET search_path = app')

        found = await dialled(role.url, settings={"search_path": "app"})
        assert ask(found, "SHOW search_path") == "app"
        found.pgconn.finish()


async def test_a_wrong_password_there(pgbouncer: PgBouncer) -> None:
    """In the pooler's words."""
    with pgbouncer.role() as role:
        error = await refused(ConfigurationError, role.address(password="hunter2"))
        assert error.sqlstate == "28P01"
        assert "look at the user and the password" in str(error)
