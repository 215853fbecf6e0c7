"""From the options to the way in which a cache speaks to its servers."""

from __future__ import annotations

import ssl

from ...interfaces.exceptions import ConfigurationError
from ._dial import Dialer
from ._mode import Mode
from ._multiplexed import Changed, Multiplexed
from ._options import Options
from ._topology import Standalone, Topology
from ._wording import Wording

__all__ = ["make_mode"]


def make_mode(options: Options, deadline: float, changed: Changed | None) -> Mode:
    """Return the mode; ``changed`` hears of changed keys, where a near cache wants to know."""
    wording = Wording(options.where)
    near = changed is not None
    topology = _topology(options, _dialer(options, deadline, "all" if near else "asked"))
    return Multiplexed(topology, deadline, wording, changed)


def _topology(options: Options, dialer: Dialer) -> Topology:
    address = options.address
    return Standalone(address.path or address.hosts[0], dialer)


def _dialer(options: Options, deadline: float, tracking: str) -> Dialer:
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
