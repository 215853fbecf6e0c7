"""Every error reply of a server is one of ours, which says what to do and no secret."""

from __future__ import annotations

import hiredis
import pytest
from redis import exceptions as driver

from infrastructure.caching.redis._replies import REPLIES, refusal, reply_code
from infrastructure.interfaces import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
)

# `git grep -hoE '"-[A-Z][A-Z]+ '` over src/*.c of Redis 7.0 to 8 and Valkey 8 and 9.
KNOWN = """ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT DENIED ERR EXECABORT IDONTKNOW INPROG
INVALIDOBJ IOERR LOADING MASTERDOWN MISCONF MOVED NOAUTH NOGOODSLAVE NOGROUP NOMASTERLINK NOPERM
NOPROTO NOQUORUM NOREPLICAS NOSCRIPT NOSUB NOTBUSY OOM READONLY REDIRECT TRYAGAIN UNBLOCKED
UNKILLABLE WRONGPASS WRONGTYPE"""


def of(text: str) -> InfrastructureError:
    return refusal(hiredis.ReplyError(text), "get 'k' on redis://h:6379/0", "get")


def test_no_reply_was_forgotten() -> None:
    """Every first word that the servers' sources have is in the table."""
    assert sorted(REPLIES) == KNOWN.split()


def test_the_text_says_everything() -> None:
    """What was tried, on what, what came back, what to do."""
    error = of("WRONGTYPE Operation against a key holding the wrong kind of value")
    assert str(error) == (
        "get 'k' on redis://h:6379/0: the server answered WRONGTYPE Operation against a key "
        "holding the wrong kind of value; the key holds another Redis type: it is somebody else's"
    )
    assert type(error) is OperationError
    assert (error.retryable, error.outcome, error.operation) == (False, "not_applied", "get")


@pytest.mark.parametrize(
    ("cls", "retryable", "replies"),
    [
        (
            ConnectionError,
            True,
            [
                "LOADING Redis is loading the dataset in memory",
                "READONLY You can't write against a read only replica.",
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
                "CLUSTERDOWN Hash slot not served",
                "TRYAGAIN Multiple keys request during rehashing of slot",
                "ASK 3999 127.0.0.1:6381",
                "REDIRECT 127.0.0.1:6381",
                "UNBLOCKED force unblock from blocking operation, instance state changed",
                "ERR max number of clients reached",
                "ERR max number of clients + cluster connections reached",
                "ERR problem with LDAP service",
            ],
        ),
        (
            ConfigurationError,
            False,
            [
                "MOVED 3999 127.0.0.1:6381",
                "CROSSSLOT Keys in request don't hash to the same slot",
                "NOAUTH Authentication required.",
                "WRONGPASS invalid username-password pair or user is disabled.",
                "NOPERM User app has no permissions to run the 'get' command",
                "DENIED Redis is running in protected mode because protected mode is enabled",
                "NOPROTO unsupported protocol version",
                "ERR invalid password",
                "ERR Client sent AUTH, but no password is set",
                "ERR AUTH <password> called without any password configured for the default user.",
                "ERR wrong number of arguments for 'auth' command",
                "ERR DB index is out of range",
                "ERR invalid DB index",
                "ERR SELECT is not allowed in cluster mode",
                "ERR This instance has cluster support disabled",
                "ERR No such master with that name",
                "ERR unknown command 'HELLO', with args beginning with: '3'",
                "ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.",
            ],
        ),
        (
            OperationError,
            True,
            [
                "OOM command not allowed when used memory > 'maxmemory'.",
                "MISCONF Redis is configured to save RDB snapshots, but ...",
                "NOREPLICAS Not enough good replicas to write.",
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL",
                "NOSCRIPT No matching script.",
            ],
        ),
        (
            OperationError,
            False,
            [
                "WRONGTYPE Operation against a key holding the wrong kind of value",
                "EXECABORT Transaction discarded because of previous errors.",
                "ERR syntax error",
                "SOMETHING new",
                "upstream failure",
                "",
            ],
        ),
    ],
)
def test_a_reply_is_of_a_class(cls, retryable, replies) -> None:
    """By its first word, or by what it says; nothing of the operation was applied."""
    for reply in replies:
        error = of(reply)
        assert type(error) is cls, reply
        assert (error.retryable, error.outcome) == (retryable, "not_applied"), reply


def test_what_failed_inside_a_script_may_have_written() -> None:
    """So the outcome is not known."""
    text = "WRONGTYPE Operation against a key script: 3a5b, on @user_script:1."
    assert of(text).outcome == "unknown"
    assert of("NOSCRIPT No matching script.").outcome == "not_applied"
    assert of("IOERR error or timeout reading to target instance").outcome == "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "ERR unknown command 'AUTH', with args beginning with: 'user' 'hunter2' ",
        "ERR unknown command 'X', with args beginning with: 'a\nhunter2'",
        "ERR cannot reach redis://user:hunter2@h",
        "ERR wrong: password=hunter2",
    ],
)
def test_no_argument_is_shown(text) -> None:
    """A server that does not know a command says the password that came with it."""
    assert "hunter2" not in str(of(text))


def test_a_long_reply_is_cut() -> None:
    """A proxy may say a whole page."""
    assert len(str(of("ERR " + "x" * 5000))) < 400


def test_a_reply_has_a_code() -> None:
    """Also where the driver has taken it off."""
    assert reply_code(hiredis.ReplyError("MOVED 1 h:1")) == "MOVED"
    assert reply_code(driver.ResponseError("WRONGTYPE x")) == "WRONGTYPE"
    assert reply_code(hiredis.ReplyError("no upstream host")) == "ERR"
    error = driver.AuthenticationError("invalid username-password pair")
    error.status_code = "WRONGPASS"
    assert reply_code(error) == "WRONGPASS"
    error.status_code = None
    assert reply_code(error, "NOAUTH") == "NOAUTH"
    text = str(refusal(error, "connect", code="WRONGPASS"))
    assert text.startswith("connect: the server answered WRONGPASS invalid username-password pair;")
