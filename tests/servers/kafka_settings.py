"""The settings of a broker that is its own controller: small, quick to start, on the loopback."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .ports import HOST

__all__ = ["lines", "settings"]

# Clients come by the first, in a test perhaps through a proxy by the second.
_FOR_CLIENTS = ("CLIENTS", "PROXIED")

_USUAL: Mapping[str, object] = {
    "auto.create.topics.enable": "false",
    "background.threads": 2,
    # A group of the new protocol hears what its broker tells at the next heartbeat: usual are five
    # seconds. Nobody waits for more members, and a test need not wait six seconds for a dead one.
    "group.consumer.heartbeat.interval.ms": 500,
    "group.consumer.min.heartbeat.interval.ms": 500,
    "group.consumer.min.session.timeout.ms": 1000,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    # What is usual, 128 MiB, would be all of its heap.
    "log.cleaner.dedupe.buffer.size": 2097152,
    "num.io.threads": 2,
    "num.network.threads": 1,
    "offsets.topic.num.partitions": 4,
    "share.coordinator.state.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
}

# A broker that is not heard of for a while is taken for dead: usual are nine seconds. One that was
# killed is let in again after that while only.
_PATIENCE: Mapping[str, object] = {
    "broker.heartbeat.interval.ms": 200,
    "controller.quorum.election.timeout.ms": 500,
    "controller.quorum.fetch.timeout.ms": 1000,
}


def settings(
    data: Path,
    ports: Mapping[str, int],
    *,
    controllers: Mapping[int, int],
    number: int = 1,
    protocol: str = "PLAINTEXT",
    proxy: int | None = None,
) -> dict[str, object]:
    """Return those of broker ``number`` of as many as there are ``controllers``, number to port.

    ``ports``     its listeners by name: CLIENTS, INTERNAL, CONTROLLER, and PROXIED where ``proxy``
                  is the port at which clients of that one find it.
    ``protocol``  that its clients speak; its own kind speaks plain text.
    """
    protocols = {name: protocol if name in _FOR_CLIENTS else "PLAINTEXT" for name in ports}
    advertised = {name: port for name, port in ports.items() if name != "CONTROLLER"}
    voters = ",".join(f"{voter}@{HOST}:{port}" for voter, port in controllers.items())
    return {
        **_USUAL,
        **_PATIENCE,
        **_copies(len(controllers)),
        "broker.session.timeout.ms": 1000 if len(controllers) == 1 else 2000,
        "advertised.listeners": _listed(advertised | ({"PROXIED": proxy} if proxy else {})),
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": voters,
        "inter.broker.listener.name": "INTERNAL",
        "listener.security.protocol.map": ",".join(f"{a}:{b}" for a, b in protocols.items()),
        "listeners": _listed(ports),
        "log.dirs": data,
        "node.id": number,
        "process.roles": "broker,controller",
    }


def lines(options: Mapping[str, object]) -> str:
    """Return the text of a file of them."""
    return "".join(f"{name}={value}\n" for name, value in options.items())


def _copies(brokers: int) -> dict[str, object]:
    """Return of how many copies a message has, and how many of them must be written."""
    least = min(2, brokers)
    return {
        "default.replication.factor": brokers,
        "min.insync.replicas": least,
        "offsets.topic.replication.factor": brokers,
        "share.coordinator.state.topic.min.isr": least,
        "share.coordinator.state.topic.replication.factor": brokers,
        "transaction.state.log.min.isr": least,
        "transaction.state.log.replication.factor": brokers,
    }


def _listed(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{HOST}:{port}" for name, port in ports.items())
