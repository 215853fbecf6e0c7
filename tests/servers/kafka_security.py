"""How a broker knows its clients, and they it: the settings of both sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from .certificates import Certificates

__all__ = ["Sasl", "client_options", "listener_options", "protocol"]

_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
_LISTENERS = ("clients", "proxied")


@dataclass(frozen=True)
class Sasl:
    """The one user of a broker, who shows a password by ``PLAIN`` or ``SCRAM-SHA-256``."""

    mechanism: str = "SCRAM-SHA-256"
    username: str = "ada"
    password: str = field(default="l0velace", repr=False)

    @property
    def account(self) -> str:
        """Both, as a URL has them."""
        return f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"

    @property
    def formatting(self) -> list[str]:
        """The options of Kafka's tool by which a new folder knows the user, where it has to."""
        if self.mechanism == "PLAIN":
            return []

        return [
            "--add-scram",
            f"{self.mechanism}=[name={self.username},password={self.password}]",
        ]


def protocol(sasl: Sasl | None, certificates: Certificates | None) -> str:
    """Return Kafka's name for what is spoken."""
    carried = "SSL" if certificates else "PLAINTEXT"
    return f"SASL_{carried}" if sasl else carried


def client_options(sasl: Sasl | None, certificates: Certificates | None) -> dict[str, str]:
    """Return librdkafka's."""
    spoken = {"security.protocol": protocol(sasl, certificates)}
    trusted = certificates.librdkafka_options if certificates else {}

    if sasl is None:
        return spoken | trusted

    return {
        **spoken,
        **trusted,
        "sasl.mechanism": sasl.mechanism,
        "sasl.username": sasl.username,
        "sasl.password": sasl.password,
    }


def listener_options(sasl: Sasl | None, certificates: Certificates | None) -> dict[str, object]:
    """Return the broker's, for the listeners of its clients."""
    options = {
        **(certificates.kafka_options if certificates else {}),
        **(_guarding(sasl) if sasl else {}),
    }
    return {
        f"listener.name.{listener}.{name}": value
        for listener in _LISTENERS
        for name, value in options.items()
    }


def _guarding(sasl: Sasl) -> dict[str, object]:
    # Those of SCRAM are in its folder.
    users = f' user_{sasl.username}="{sasl.password}"' if sasl.mechanism == "PLAIN" else ""
    return {
        "sasl.enabled.mechanisms": sasl.mechanism,
        f"{sasl.mechanism.lower()}.sasl.jaas.config": f"{_MODULES[sasl.mechanism]} required{users};",
    }
