"""From the options to the way in which a cache speaks to its servers."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace

from ...interfaces.exceptions import ConfigurationError
from ._cluster import Cluster
from ._dial import Dialer, Tracking
from ._mode import Mode
from ._multiplexed import Changed, Multiplexed
from ._options import Options
from ._pooled import Pooled
from ._sentinel import Sentinel
from ._topology import Fixed, Standalone, Topology
from ._wording import Wording

__all__ = ["make_mode"]


def make_mode(options: Options, deadline: float, changed: Changed | None) -> Mode:
    """Return the mode; ``changed`` hears of changed keys, where a near cache wants to know."""
    wording = Wording(options.where)

    if options.mode == "pooled":
        dialer = _dialer(options, deadline, "none")
        topology = _TOPOLOGIES[options.address.topology](options, dialer)
        return Pooled(topology, dialer, options.max_connections, deadline, wording)

    near = changed is not None
    dialer = _dialer(options, deadline, "all" if near else "asked")
    topology = _TOPOLOGIES[options.address.topology](options, dialer)
    return Multiplexed(topology, deadline, wording, changed)


def _standalone(options: Options, dialer: Dialer) -> Topology:
    address = options.address
    kind = Fixed if options.mode == "pooled" else Standalone
    return kind(address.path or address.hosts[0], dialer)


def _cluster(options: Options, dialer: Dialer) -> Topology:
    return Cluster(options.address.hosts, dialer)


def _sentinel(options: Options, dialer: Dialer) -> Topology:
    address = options.address
    assert address.service is not None
    asking = replace(
        dialer,
        user=options.sentinel_user,
        password=options.sentinel_password,
        database=0,
        tracking="none",
    )
    return Sentinel(address.hosts, address.service, replace(dialer, primary=True), asking)


_TOPOLOGIES: Mapping[str, Callable[[Options, Dialer], Topology]] = {
    "single": _standalone,
    "cluster": _cluster,
    "sentinel": _sentinel,
}


def _dialer(options: Options, deadline: float, tracking: Tracking) -> Dialer:
    address = options.address
    return Dialer(
        deadline=deadline,
        user=address.user,
        password=address.password,
        database=address.database,
        client_name=options.client_name,
        tls=_tls(options) if address.tls else None,
        tracking=tracking,
    )


def _tls(options: Options) -> ssl.SSLContext:
    """Return what verifies certificate and host name; it cannot be told to do less."""
    try:
        context = ssl.create_default_context(cafile=options.tls_ca_file)
    except OSError as exc:
        msg = f"tls_ca_file={options.tls_ca_file!r} cannot be read: {exc}"
        raise ConfigurationError(msg) from exc

    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
