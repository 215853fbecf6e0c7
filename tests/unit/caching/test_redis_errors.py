"""Every error of the driver, of a socket and of TLS is one of ours."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import socket
import ssl
import sys

import hiredis
import pytest
import redis.asyncio.cluster
import redis.cluster
from redis import exceptions as driver, sentinel
from redis._parsers import BaseParser

from infrastructure._core.errors import translate, translated
from infrastructure.caching.redis.errors import CONNECT_ERRORS, DRIVER_ERRORS, refusal
from infrastructure.interfaces import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    TimeoutError,
    ValidationError,
)

# Clients over several databases and over HTTP, and tokens in place of passwords: not used here.
NOT_OURS = (
    "redis.asyncio.http",
    "redis.asyncio.multidb",
    "redis.auth",
    "redis.http",
    "redis.multidb",
)


def of(exc: BaseException) -> InfrastructureError:
    return translate(DRIVER_ERRORS, "connect to redis://h:6379/0", exc)


def driver_classes() -> set[type]:
    """Every exception class that the driver's modules, as we load them, define."""
    return {
        cls
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in ("redis", "hiredis") and not name.startswith(NOT_OURS)
        for cls in vars(module).values()
        if inspect.isclass(cls) and issubclass(cls, BaseException)
        if cls.__module__.partition(".")[0] in ("redis", "hiredis")
        if not cls.__module__.startswith(NOT_OURS)
    }


def test_every_class_of_the_driver_is_mapped() -> None:
    """By itself, not by its base: one more in a new version is noticed."""
    assert redis.cluster
    assert redis.asyncio.cluster
    classes = driver_classes()
    assert len(classes) > 30
    assert sorted(cls.__qualname__ for cls in classes - set(DRIVER_ERRORS)) == []


def test_every_code_that_the_driver_cuts_off_comes_back() -> None:
    """Its parser makes a class of the first word of a reply; ours are the same either way."""
    for code, cls in BaseParser.EXCEPTION_CLASSES.items():
        if code != "ERR":
            text = "3999 127.0.0.1:6381" if code in {"ASK", "MOVED"} else "what it says"
            cut = of(cls(text))
            whole = refusal(hiredis.ReplyError(f"{code} {text}"), "connect to redis://h:6379/0")
            # An AUTH that was needed or that failed has one class there and one rule here.
            same = code if code != "NOAUTH" else "WRONGPASS"
            assert (type(cut), str(cut)) == (type(whole), str(whole).replace(code, same))


@pytest.mark.parametrize(
    ("exc", "cls", "outcome"),
    [
        (driver.ConnectionError("Error 111 connecting to h:6379."), ConnectionError, "unknown"),
        (driver.TimeoutError("Timeout reading from h:6379"), TimeoutError, "unknown"),
        (driver.ConnectionError("No connection available."), TimeoutError, "not_applied"),
        (driver.InvalidResponse("Protocol Error: b'HTTP'"), ConnectionError, "unknown"),
        (hiredis.ProtocolError("got 'H' as reply type byte"), ConnectionError, "unknown"),
        (driver.DataError("Invalid input of type"), ValidationError, "not_applied"),
        (driver.WatchError("Watched variable changed."), ConflictError, "not_applied"),
        (driver.ResponseError("WRONGTYPE x"), OperationError, "not_applied"),
        (driver.PubSubError("pubsub connection not set"), OperationError, "unknown"),
        (sentinel.MasterNotFoundError("No master found for 'a'"), ConnectionError, "not_applied"),
        (driver.SlotNotCoveredError('Slot "1" is not covered'), ConnectionError, "not_applied"),
        (driver.ChildDeadlockedError(), ConfigurationError, "not_applied"),
        (ConnectionRefusedError(111, "refused"), ConnectionError, "not_applied"),
        (ConnectionResetError(104, "reset"), ConnectionError, "unknown"),
        (socket.gaierror(-2, "Name or service not known"), ConnectionError, "not_applied"),
        (OSError("Multiple exceptions: [Errno 111], [Errno 111]"), ConnectionError, "unknown"),
        (FileNotFoundError(2, "No such file"), ConnectionError, "not_applied"),
        (PermissionError(13, "Permission denied"), ConfigurationError, "not_applied"),
        (builtins.TimeoutError(110, "Connection timed out"), TimeoutError, "unknown"),
        (asyncio.IncompleteReadError(b"", 1), ConnectionError, "unknown"),
        (UnicodeError("label too long"), ConfigurationError, "not_applied"),
    ],
)
def test_an_error_is_of_a_class(exc, cls, outcome) -> None:
    """With what came of the operation, as far as the error alone tells."""
    error = of(exc)
    assert type(error) is cls
    assert error.outcome == outcome
    assert str(error).startswith("connect to redis://h:6379/0: ")
    assert error.retryable == issubclass(cls, (ConnectionError, TimeoutError, ConflictError))


def test_while_connecting_nothing_was_applied() -> None:
    """Whatever it is that breaks."""
    assert set(CONNECT_ERRORS) == set(DRIVER_ERRORS)

    for exc in (OSError("reset"), ssl.SSLError("eof"), hiredis.ProtocolError("H")):
        error = translate(CONNECT_ERRORS, "connect to redis://h:6379/0", exc)
        assert (type(error), str(error)) == (type(of(exc)), str(of(exc)))
        assert (of(exc).outcome, error.outcome) == ("unknown", "not_applied")


def test_a_reply_that_the_driver_calls_a_connection_error_stays_a_reply() -> None:
    """It has a code then."""
    exc = driver.ConnectionError("max number of clients reached")
    exc.status_code = "ERR"
    assert "raise its maxclients" in str(of(exc))
    assert of(exc).outcome == "not_applied"


@pytest.mark.parametrize(
    "exc",
    [
        ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"),
        driver.ConnectionError("Error 1 connecting to h:1. [SSL: CERTIFICATE_VERIFY_FAILED] x"),
    ],
)
def test_a_certificate_that_is_not_accepted_says_what_to_do(exc) -> None:
    """It is no fault of the settings alone: it may have expired."""
    error = of(exc)
    assert type(error) is ConnectionError
    assert "tls_ca_file=" in str(error)


def test_tls_on_a_plain_port_says_so() -> None:
    """The handshake fails then."""
    error = of(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"))
    assert type(error) is ConnectionError
    assert "is it the TLS port?" in str(error)


def test_the_error_behind_one_for_all_nodes_counts() -> None:
    """The driver's cluster client says of wrong credentials that it cannot connect."""
    outer = driver.RedisClusterException("Redis Cluster cannot be connected")
    assert type(of(outer)) is ConnectionError
    outer.__cause__ = driver.AuthenticationError("invalid username-password pair")
    assert type(of(outer)) is ConfigurationError
    outer.__cause__ = driver.RedisClusterException("Cluster mode is not enabled on this node")
    assert "it is no Cluster; say redis://" in str(of(outer))
    outer.__cause__ = KeyError("a bug")
    assert type(of(outer)) is ConnectionError


def test_no_secret_is_shown() -> None:
    """Whatever the driver says."""
    for cls in (driver.ConnectionError, driver.RedisError, OSError, driver.ResponseError):
        assert "hunter2" not in str(of(cls("cannot reach redis://u:hunter2@h")))


def test_an_error_is_chained() -> None:
    """The driver's is its cause."""
    with pytest.raises(ConnectionError) as caught, translated(DRIVER_ERRORS, "connect to h"):
        raise ConnectionRefusedError

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
