"""Certificates for one run: an authority, a server's that it signed, and a client's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from . import debian_redis

__all__ = ["Certificates"]

_DAYS = 2


class Certificates:
    """Makes them in ``folder``, which is there; valid for ``names`` (``IP:…``, ``DNS:…``).

    ``mutual``  the server asks its clients for a certificate, too.
    ``days``    for which the server's and the client's are valid; at 0 they have expired.
    """

    def __init__(
        self,
        folder: Path,
        names: str = "IP:127.0.0.1,DNS:localhost",
        *,
        mutual: bool = False,
        days: int = _DAYS,
    ) -> None:
        self._folder = folder
        self._mutual = mutual
        self._days = days
        self._sign_authority()
        self._sign("server", f"subjectAltName={names}")
        self._sign("client", "extendedKeyUsage=clientAuth")

    @property
    def authority(self) -> Path:
        """The certificate that a client has to trust."""
        return self._folder / "authority.pem"

    def certificate(self, owner: str) -> Path:
        """Return the certificate of the ``server`` or the ``client``."""
        return self._folder / f"{owner}.pem"

    def key(self, owner: str) -> Path:
        """Return the private key of the ``server`` or the ``client``."""
        return self._folder / f"{owner}.key"

    @property
    def client_options(self) -> dict[str, str]:
        """Options of redis-py: whom a client trusts, and what it shows where it must."""
        trusted = {"ssl_ca_certs": str(self.authority)}

        if not self._mutual:
            return trusted

        shown = {"ssl_certfile": self.certificate("client"), "ssl_keyfile": self.key("client")}
        return trusted | {name: str(path) for name, path in shown.items()}

    @property
    def libpq_options(self) -> dict[str, str]:
        """Options of libpq: whom a client trusts, and what it shows where it must."""
        trusted = {"sslmode": "verify-full", "sslrootcert": str(self.authority)}

        if not self._mutual:
            return trusted

        shown = {"sslcert": self.certificate("client"), "sslkey": self.key("client")}
        return trusted | {name: str(path) for name, path in shown.items()}

    @property
    def librdkafka_options(self) -> dict[str, str]:
        """Options of librdkafka: whom a client trusts, and what it shows where it must."""
        trusted = {"ssl.ca.location": str(self.authority)}

        if not self._mutual:
            return trusted

        shown = {
            "ssl.certificate.location": self.certificate("client"),
            "ssl.key.location": self.key("client"),
        }
        return trusted | {name: str(path) for name, path in shown.items()}

    @property
    def kafka_options(self) -> dict[str, object]:
        """The lines of a broker's settings by which a listener of its has TLS."""
        return {
            "ssl.client.auth": "required" if self._mutual else "none",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": _one_line(self.certificate("server")),
            "ssl.keystore.key": _one_line(self._pkcs8("server")),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.certificates": _one_line(self.authority),
        }

    @property
    def postgres_rule(self) -> str:
        """What ends a line of pg_hba.conf: whether a client has to show a certificate."""
        return " clientcert=verify-ca" if self._mutual else ""

    def server_options(self, port: int) -> dict[str, object]:
        """Return the lines of a server's settings by which it listens with TLS alone."""
        return {
            "port": 0,
            "tls-port": port,
            "tls-ca-cert-file": self.authority,
            "tls-cert-file": self.certificate("server"),
            "tls-key-file": self.key("server"),
            "tls-auth-clients": "yes" if self._mutual else "no",
        }

    def _sign_authority(self) -> None:
        self._make_key("authority")
        self._openssl(
            "req -x509 -new -key authority.key -out authority.pem -subj /CN=authority", days=_DAYS
        )

    def _sign(self, owner: str, extension: str) -> None:
        self._make_key(owner)
        self._folder.joinpath(f"{owner}.ext").write_text(f"{extension}\n")
        self._openssl(f"req -new -key {owner}.key -out {owner}.csr -subj /CN={owner}")
        self._openssl(
            f"x509 -req -in {owner}.csr -out {owner}.pem -extfile {owner}.ext"
            " -CA authority.pem -CAkey authority.key -CAcreateserial",
            days=self._days,
        )

    def _make_key(self, owner: str) -> None:
        self._openssl(f"ecparam -name prime256v1 -genkey -noout -out {owner}.key")

    def _pkcs8(self, owner: str) -> Path:
        """Return the key in the one form that Java reads."""
        self._openssl(f"pkcs8 -topk8 -nocrypt -in {owner}.key -out {owner}.pk8")
        return self._folder / f"{owner}.pk8"

    def _openssl(self, arguments: str, *, days: int | None = None) -> None:
        program = debian_redis.openssl()
        subprocess.run(
            [
                str(program.path),
                *arguments.split(),
                *([] if days is None else ["-days", str(days)]),
            ],
            cwd=self._folder,
            env=os.environ | dict(program.env),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=True,
        )


def _one_line(path: Path) -> str:
    """Return the text of a file as the value of a Java property."""
    return path.read_text().replace("\n", "\\n")
