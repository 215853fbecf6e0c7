"""Whether the link is encrypted, and against which authority the server's certificate is checked."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...interfaces.exceptions import ConfigurationError
from ._settings import Options

__all__ = ["FIXES", "is_local", "tls_parameters"]

FIXES = (
    "name its authority by ?sslrootcert=/path/to/ca.pem and connect by a host name that stands in "
    "its certificate, or say ?sslmode=disable where clear text will do"
)
"""What to do where the server has no TLS, or none that could be verified."""

_VERIFIED = frozenset({"verify-full", "verify-ca"})
# Where Python's own folder of authorities has them all in one file, which is what libpq takes.
_BUNDLES = ("ca-certificates.crt", "../cert.pem", "../tls/cert.pem")


def tls_parameters(options: Options, addresses: Sequence[str]) -> Mapping[str, str]:
    """Return libpq's parameters; ``addresses`` are those of the hosts, resolved.

    Where nothing is said the server's certificate and name are verified, but not on this very
    machine: what libpq then prefers, TLS unverified if the server has it, will do.
    """
    mode = options.sslmode or _usual_mode(options, addresses)

    if mode == "prefer" and not all(map(is_local, addresses)):
        msg = (
            f"sslmode=prefer for {options.where} would fall back to clear text without a word: "
            "say verify-full (the default), require or disable"
        )
        raise ConfigurationError(msg, operation="connect")

    authority = options.sslrootcert

    if authority is None and mode in _VERIFIED:
        authority = _authorities(mode)

    named = {
        "sslmode": mode,
        # Empty, not left out: what the environment says is not what the URL says.
        "sslrootcert": authority or "",
        "sslcert": options.sslcert,
        "sslkey": options.sslkey,
        "channel_binding": options.channel_binding,
    }
    return {name: value for name, value in named.items() if value is not None}


def is_local(address: str) -> bool:
    """Return whether what is sent to a resolved address, or a folder of sockets, stays here."""
    if address.startswith("/"):
        return True

    try:
        # The zone of a link-local address is no part of it.
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _usual_mode(options: Options, addresses: Sequence[str]) -> str:
    if options.sslrootcert is not None:
        return "verify-full"

    return "prefer" if all(map(is_local, addresses)) else "verify-full"


def _authorities(mode: str) -> str:
    paths = ssl.get_default_verify_paths()

    if paths.cafile:
        return paths.cafile

    for name in _BUNDLES if paths.capath else ():
        bundle = Path(paths.capath) / name

        if bundle.is_file():
            return str(bundle)

    if mode == "verify-full":
        # OpenSSL's own, as libpq was built with it.
        return "system"

    msg = f"sslmode={mode}: this Python knows no file of authorities; name one by sslrootcert="
    raise ConfigurationError(msg, operation="connect")
