"""A link that leaves this machine is encrypted and verified, or its URL says otherwise."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from infrastructure.interfaces import ConfigurationError, ConnectionError
from infrastructure.storage.postgres._settings import options_of
from infrastructure.storage.postgres._tls import is_local, tls_parameters
from infrastructure.testing import ChaosProxy

from ...servers import debian_postgres as packaged
from ...servers.certificates import Certificates
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from .test_postgres_dial import dialled, refused

REMOTE, LOCAL = ["192.0.2.1"], ["127.0.0.1", "::1", "/run/postgresql"]


def parameters(addresses: list[str], **given: Any) -> dict[str, str]:
    return dict(tls_parameters(options_of("postgresql://h/d", given), addresses))


def plain(server: PostgresEndpoint, query: str) -> str:
    """Return the server's URL with these options in place of its own."""
    return urlsplit(server.url)._replace(query=query).geturl()


class TestParameters:
    """What libpq is told."""

    @pytest.mark.parametrize(
        ("address", "local"),
        [
            ("127.0.0.1", True),
            ("127.9.9.9", True),
            ("::1", True),
            ("/run", True),
            ("10.0.0.1", False),
            ("fe80::1%eth0", False),
            ("::ffff:10.0.0.1", False),
            ("localhost.evil.example", False),
        ],
    )
    def test_what_is_local(self, address, local) -> None:
        """By the address: a name may mean any."""
        assert is_local(address) is local

    def test_a_remote_server_is_verified(self) -> None:
        """Against the authorities of Python's own."""
        found = parameters(REMOTE)
        assert found == {
            "sslmode": "verify-full",
            "sslrootcert": ssl.get_default_verify_paths().cafile,
        }
        assert parameters([*LOCAL, *REMOTE]) == found

    def test_a_local_server_is_taken_as_it_is(self) -> None:
        """Unless an authority is named."""
        assert parameters(LOCAL) == {"sslmode": "prefer", "sslrootcert": ""}
        assert parameters(LOCAL, sslrootcert="/a")["sslmode"] == "verify-full"

    @pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require", "disable"])
    def test_what_the_url_says_counts(self, mode) -> None:
        """With the authorities where they are needed."""
        found = parameters(REMOTE, sslmode=mode)
        assert found["sslmode"] == mode
        assert bool(found["sslrootcert"]) is mode.startswith("verify")

    def test_a_downgrade_is_refused(self) -> None:
        """``prefer`` would send in clear text what was to be encrypted."""
        with pytest.raises(ConfigurationError, match="fall back to clear text without a word"):
            parameters(REMOTE, sslmode="prefer")

        assert parameters(LOCAL, sslmode="prefer")["sslmode"] == "prefer"

    def test_what_is_shown_to_the_server(self) -> None:
        """A certificate and its key."""
        found = parameters(LOCAL, sslcert="/c", sslkey="/k", channel_binding="require")
        assert found == {
            "sslmode": "prefer",
            "sslrootcert": "",
            "sslcert": "/c",
            "sslkey": "/k",
            "channel_binding": "require",
        }

    def test_where_the_authorities_are(self, tmp_path: Path, monkeypatch) -> None:
        """In Python's file, in its folder, with OpenSSL, or nowhere."""
        paths = SimpleNamespace(cafile=None, capath=str(tmp_path))
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
        assert parameters(REMOTE)["sslrootcert"] == "system"

        with pytest.raises(ConfigurationError, match="name one by sslrootcert="):
            parameters(REMOTE, sslmode="verify-ca")

        bundle = tmp_path / "ca-certificates.crt"
        bundle.touch()
        assert parameters(REMOTE)["sslrootcert"] == str(bundle)
        paths.capath = None
        assert parameters(REMOTE)["sslrootcert"] == "system"


class TestServer:
    """What a real server makes of it."""

    async def test_the_right_authority(self, postgres_tls: PostgresServer) -> None:
        """The link is encrypted."""
        found = await dialled(postgres_tls.url)
        assert found.pgconn.ssl_in_use
        found.pgconn.finish()
        assert postgres_tls.certificates is not None
        query = f"sslrootcert={postgres_tls.certificates.authority}"
        found = await dialled(plain(postgres_tls, query))
        assert found.pgconn.ssl_in_use
        found.pgconn.finish()

    async def test_a_wrong_authority(self, postgres_tls, certificates: Certificates) -> None:
        """It did not sign the server's certificate; both fixes are told."""
        for query in (f"sslrootcert={certificates.authority}", "sslmode=verify-full"):
            error = await refused(ConfigurationError, plain(postgres_tls, query))
            assert "certificate verify failed" in str(error)
            assert "?sslrootcert=" in str(error)
            assert "?sslmode=disable" in str(error)
            assert "p w@rd" not in str(error)

    async def test_an_authority_that_is_not_there(self, postgres_tls, tmp_path: Path) -> None:
        """Neither a missing file nor one without certificates is taken for none."""
        empty = tmp_path / "empty.pem"
        empty.touch()

        for path in (tmp_path / "missing.pem", empty):
            error = await refused(ConfigurationError, plain(postgres_tls, f"sslrootcert={path}"))
            assert path.name in str(error)

    async def test_a_wrong_host(self, certificates: Certificates) -> None:
        """The certificate is another machine's."""
        other = Certificates(certificates.authority.parent, "DNS:elsewhere.example")
        server = PostgresServer(packaged.program(), password="hunter2", certificates=other)

        async with server:
            error = await refused(ConfigurationError, server.url)
            assert "does not match host name" in str(error)
            found = await dialled(plain(server, f"sslmode=verify-ca&sslrootcert={other.authority}"))
            assert found.pgconn.ssl_in_use
            found.pgconn.finish()

    async def test_a_server_without_tls(self, postgres: PostgresEndpoint) -> None:
        """Nothing falls back to clear text; both fixes are told."""
        for mode in ("verify-full", "verify-ca", "require"):
            error = await refused(ConfigurationError, plain(postgres, f"sslmode={mode}"))
            assert "does not support SSL" in str(error)
            assert "?sslrootcert=" in str(error)
            assert "?sslmode=disable" in str(error)

    async def test_a_server_with_tls_alone(self, postgres_tls: PostgresServer) -> None:
        """Lets nobody in without; what it prefers is enough for it."""
        error = await refused(ConfigurationError, plain(postgres_tls, "sslmode=disable"))
        assert "no pg_hba.conf entry" in str(error)
        found = await dialled(plain(postgres_tls, ""))
        assert found.pgconn.ssl_in_use
        found.pgconn.finish()

    async def test_a_handshake_that_breaks(self, postgres_tls: PostgresServer) -> None:
        """Is a lost connection, not wrong configuration."""
        async with ChaosProxy((postgres_tls.host, postgres_tls.port)) as proxy:
            proxy.truncate(40, "to_client", ending="reset", counting="next")
            url = postgres_tls.url.replace(f":{postgres_tls.port}/", f":{proxy.port}/")

            with pytest.raises(ConnectionError) as caught:
                await dialled(url)

            assert caught.value.outcome == "not_applied"
