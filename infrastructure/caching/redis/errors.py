"""What the errors of the driver, of sockets and of TLS are to us."""

from __future__ import annotations

import asyncio
import builtins
import socket
import ssl
from collections.abc import Mapping
from functools import partial

import hiredis
from redis import event, exceptions as driver, sentinel
from redis.asyncio import sentinel as async_sentinel

from ..._core.errors import ErrorMap, Translation, translate
from ..._core.secrets import scrub
from ...interfaces.exceptions import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    TimeoutError,
    ValidationError,
)
from ._replies import refusal, reply_code

__all__ = ["CONNECT_ERRORS", "DRIVER_ERRORS", "refusal", "reply_code"]

_POOL_IS_EMPTY = "No connection available"
_CERTIFICATE = (
    "its certificate was not accepted: name the file of its authority by tls_ca_file=, "
    "and connect by a host name that stands in the certificate"
)


_HINTS: Mapping[str, str] = {
    "CERTIFICATE_VERIFY_FAILED": _CERTIFICATE,
    "Connect call failed": "does a server run there?",
    "not known": "look at the host of the URL",
    "No such file or directory": "is it the path of the server's socket?",
}
"""What to do, by words of an error's text, wherever nothing more is known."""


def _said(tried: str, exc: BaseException, hint: str = "") -> str:
    text = str(exc)
    hint = hint or next((_HINTS[words] for words in _HINTS if words in text), "")
    said = scrub(text) or type(exc).__name__
    return f"{tried}: {said.rstrip(' .')}; {hint}" if hint else f"{tried}: {said}"


def _reply(tried: str, exc: BaseException, code: str = "ERR") -> InfrastructureError:
    assert isinstance(exc, Exception)
    return refusal(exc, tried, code=code)


def _lost(tried: str, exc: BaseException) -> InfrastructureError:
    """Tell the meanings of the driver's ConnectionError apart: it is an empty pool too."""
    if isinstance(getattr(exc, "status_code", None), str):
        return _reply(tried, exc)

    if _POOL_IS_EMPTY in str(exc):
        return _pool(tried, exc)

    return ConnectionError(_said(tried, exc), outcome="unknown")


def _pool(tried: str, exc: BaseException) -> InfrastructureError:
    text = _said(tried, exc, "all of max_connections= are in use")
    return TimeoutError(text, retryable=True, outcome="not_applied")


def _silent(tried: str, exc: BaseException) -> InfrastructureError:
    return TimeoutError(_said(tried, exc), retryable=True, outcome="unknown")


def _garbled(tried: str, exc: BaseException) -> InfrastructureError:
    text = _said(tried, exc, "what answers is no Redis, or the stream was damaged")
    return ConnectionError(text, outcome="unknown")


def _unreached(tried: str, exc: BaseException) -> InfrastructureError:
    return ConnectionError(_said(tried, exc), outcome="not_applied")


def _socket(tried: str, exc: BaseException) -> InfrastructureError:
    # A socket that is open may break in the same way: something may have been sent.
    return ConnectionError(_said(tried, exc), outcome="unknown")


def _tls(tried: str, exc: BaseException) -> InfrastructureError:
    hint = "is it the TLS port? redis:// is for the other one"
    return ConnectionError(_said(tried, exc, hint), outcome="unknown")


def _certificate(tried: str, exc: BaseException) -> InfrastructureError:
    return ConnectionError(_said(tried, exc, _CERTIFICATE), outcome="not_applied")


def _host_name(tried: str, exc: BaseException) -> InfrastructureError:
    return ConfigurationError(_said(tried, exc, "the host's name cannot be one"))


def _forbidden(tried: str, exc: BaseException) -> InfrastructureError:
    return ConfigurationError(_said(tried, exc, "this process may not open the socket"))


def _forked(tried: str, exc: BaseException) -> InfrastructureError:
    return ConfigurationError(_said(tried, exc, "connect after the fork, in the child"))


def _failed(tried: str, exc: BaseException) -> InfrastructureError:
    return OperationError(_said(tried, exc), outcome="unknown")


def _cluster(tried: str, exc: BaseException) -> InfrastructureError:
    """Return what the nodes said, which the driver hides behind one error for all of them."""
    cause = exc.__cause__

    if cause is not None and isinstance(cause, tuple(DRIVER_ERRORS)):
        return translate(DRIVER_ERRORS, tried, cause)

    if "not enabled" in str(exc):
        return ConfigurationError(_said(tried, exc, "it is no Cluster; say redis://"))

    return _unreached(tried, exc)


# Classes that redis-py 6, the oldest that will do, does not have.
_NEWER: Mapping[str, Translation | type[InfrastructureError]] = {
    "CrossSlotTransactionError": OperationError,
    "ExternalAuthProviderError": _reply,
    "IncorrectPolicyType": _failed,
    "InvalidPipelineStack": _failed,
    "NoSuchFieldsetError": _reply,
}

DRIVER_ERRORS: ErrorMap = {
    driver.RedisError: _failed,
    driver.ConnectionError: _lost,
    driver.TimeoutError: _silent,
    driver.MaxConnectionsError: _pool,
    driver.InvalidResponse: _garbled,
    driver.DataError: ValidationError,
    driver.PubSubError: _failed,
    driver.WatchError: ConflictError,
    driver.LockError: _failed,
    driver.LockNotOwnedError: _failed,
    driver.ChildDeadlockedError: _forked,
    event.EventException: _failed,
    # Replies of the server: their first word says more than the class.
    driver.ResponseError: _reply,
    driver.AuthenticationError: partial(_reply, code="WRONGPASS"),
    driver.AuthenticationWrongNumberOfArgsError: _reply,
    driver.AuthorizationError: partial(_reply, code="NOPERM"),
    driver.NoPermissionError: partial(_reply, code="NOPERM"),
    driver.BusyLoadingError: partial(_reply, code="LOADING"),
    driver.ReadOnlyError: partial(_reply, code="READONLY"),
    driver.OutOfMemoryError: partial(_reply, code="OOM"),
    driver.NoScriptError: partial(_reply, code="NOSCRIPT"),
    driver.ExecAbortError: partial(_reply, code="EXECABORT"),
    driver.ModuleError: _reply,
    driver.MovedError: partial(_reply, code="MOVED"),
    driver.AskError: partial(_reply, code="ASK"),
    driver.TryAgainError: partial(_reply, code="TRYAGAIN"),
    driver.ClusterCrossSlotError: partial(_reply, code="CROSSSLOT"),
    driver.ClusterDownError: partial(_reply, code="CLUSTERDOWN"),
    driver.MasterDownError: partial(_reply, code="MASTERDOWN"),
    hiredis.ReplyError: _reply,
    hiredis.HiredisError: _garbled,
    hiredis.ProtocolError: _garbled,
    # The topology, before anything was sent to a server of the data.
    driver.RedisClusterException: _cluster,
    driver.ClusterError: _unreached,
    driver.SlotNotCoveredError: _unreached,
    sentinel.MasterNotFoundError: _unreached,
    sentinel.SlaveNotFoundError: _unreached,
    async_sentinel.MasterNotFoundError: _unreached,
    async_sentinel.SlaveNotFoundError: _unreached,
    builtins.OSError: _socket,
    builtins.ConnectionRefusedError: _unreached,
    builtins.FileNotFoundError: _unreached,
    socket.gaierror: _unreached,
    builtins.PermissionError: _forbidden,
    builtins.TimeoutError: _silent,
    asyncio.IncompleteReadError: _socket,
    ssl.SSLError: _tls,
    ssl.SSLCertVerificationError: _certificate,
    # A host's name that IDNA cannot spell, such as one of 64 letters.
    UnicodeError: _host_name,
    **{getattr(driver, name): rule for name, rule in _NEWER.items() if hasattr(driver, name)},
}
"""Every class of redis-py and hiredis, and what the loop raises for a socket.

``outcome`` is ``"unknown"`` where something may have been sent.
"""


def _unsent(tried: str, exc: BaseException) -> InfrastructureError:
    error = translate(DRIVER_ERRORS, tried, exc)
    error.outcome = "not_applied"
    return error


CONNECT_ERRORS: ErrorMap = dict.fromkeys(DRIVER_ERRORS, _unsent)
"""The same while a connection is made: nothing of an operation was sent then."""
