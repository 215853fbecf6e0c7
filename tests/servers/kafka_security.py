"""How a broker knows its clients, and they it: the settings of both sides."""

from __future__ import annotations

from .certificates import Certificates

__all__ = ["client_options", "listener_options", "protocol"]

_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
_LISTENERS = ("clients", "proxied")


def protocol(sasl: str | None, certificates: Certificates | None) -> str:
    """Return Kafka's name for what is spoken."""
    carried = "SSL" if certificates else "PLAINTEXT"
    return f"SASL_{carried}" if sasl else carried


def client_options(
    sasl: str | None, username: str, password: str, certificates: Certificates | None
) -> dict[str, str]:
    """Return librdkafka's."""
    shown = {"sasl.mechanism": sasl, "sasl.username": username, "sasl.password": password}
    return {
        "security.protocol": protocol(sasl, certificates),
        **({name: value for name, value in shown.items() if value} if sasl else {}),
        **(certificates.librdkafka_options if certificates else {}),
    }


def listener_options(
    sasl: str | None, username: str, password: str, certificates: Certificates | None
) -> dict[str, object]:
    """Return the broker's, for the listeners of its clients."""
    secured = certificates.kafka_options if certificates else {}
    guarded = _guarded(sasl, username, password) if sasl else {}
    return {
        f"listener.name.{listener}.{name}": value
        for listener in _LISTENERS
        for name, value in (secured | guarded).items()
    }


def _guarded(sasl: str, username: str, password: str) -> dict[str, object]:
    # By SCRAM it looks into what was written down when its folder was formatted.
    users = f' user_{username}="{password}"' if sasl == "PLAIN" else ""
    return {
        "sasl.enabled.mechanisms": sasl,
        f"{sasl.lower()}.sasl.jaas.config": f"{_MODULES[sasl]} required{users};",
    }
