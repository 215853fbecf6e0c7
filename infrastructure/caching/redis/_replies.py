"""What the error replies of a server are to us, by their first word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..._core.secrets import scrub
from ...interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    Outcome,
)

__all__ = ["REPLIES", "TEXTS", "Rule", "refusal", "reply_code", "without_arguments"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Our class of a reply, what to do about it, and what became of the operation."""

    error: type[InfrastructureError]
    hint: str
    retryable: bool = False
    outcome: Outcome = "not_applied"


def _down(hint: str) -> Rule:
    return Rule(ConnectionError, hint, retryable=True)


def _wrong(hint: str) -> Rule:
    return Rule(ConfigurationError, hint)


def _full(hint: str) -> Rule:
    return Rule(OperationError, hint, retryable=True)


_FAILOVER = _down("a failover is under way; try again in some seconds")
_MOVING = _down("the Cluster is moving slots; try again in some seconds")
_LOGIN = _wrong("look at the user and the password of the URL")
_CLUSTERED = _wrong("it is a node of a Cluster; say redis+cluster://")
_LACKING = _wrong(
    "it lacks the command: too old, or a proxy, or renamed there; "
    "or a sentinel, then say redis+sentinel://host:26379/service"
)
_BUG = Rule(OperationError, "")

# From `git grep '"-[A-Z]'` over the sources of Redis 7 and 8 and Valkey 8 and 9. The words of
# commands that a cache never sends stand below, for the test that none was forgotten.
REPLIES: Mapping[str, Rule] = {
    "LOADING": _down("the server is still loading its data; try again in some seconds"),
    "READONLY": _down("it is a replica: a failover is under way, or the URL names a replica"),
    "MASTERDOWN": _down("it is a replica that has lost its primary; a failover may be under way"),
    "REDIRECT": _FAILOVER,
    "UNBLOCKED": _FAILOVER,
    "NOMASTERLINK": _FAILOVER,
    "NOGOODSLAVE": _FAILOVER,
    "INPROG": _FAILOVER,
    "NOQUORUM": _FAILOVER,
    "IDONTKNOW": _FAILOVER,
    "CLUSTERDOWN": _down("a part of the Cluster is down; look at CLUSTER INFO, or try again"),
    "TRYAGAIN": _MOVING,
    "CROSSSLOT": _CLUSTERED,
    # Of a Cluster it is followed; nobody but a client of one server gets to see it.
    "MOVED": _CLUSTERED,
    "ASK": _MOVING,
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "NOPERM": _wrong("give the user the permission by ACL SETUSER, or name another in the URL"),
    "DENIED": _wrong("the server answers its own machine only: set a password there"),
    "NOPROTO": _wrong("the server does not speak RESP3: it takes Redis 6, or Valkey"),
    "OOM": _full("its memory is full: raise maxmemory, or let it evict by maxmemory-policy"),
    "MISCONF": _full("it cannot save to its disk and refuses writes: look at its log"),
    "NOREPLICAS": _full("it has too few replicas for min-replicas-to-write"),
    "BUSY": _full("a script holds it up: SCRIPT KILL or FUNCTION KILL there, or try again"),
    "NOSCRIPT": _full("it has forgotten the script; call again"),
    "WRONGTYPE": Rule(OperationError, "the key holds another Redis type: it is somebody else's"),
    "IOERR": Rule(OperationError, "", retryable=True, outcome="unknown"),
    "ERR": _BUG,
    "EXECABORT": _BUG,
    "BUSYGROUP": _BUG,
    "BUSYKEY": _BUG,
    "INVALIDOBJ": _BUG,
    "NOGROUP": _BUG,
    "NOSUB": _BUG,
    "NOTBUSY": _BUG,
    "UNKILLABLE": _BUG,
}
"""Our rule by the first word; a word that is not here counts as ``ERR``."""

TEXTS: tuple[tuple[str, Rule], ...] = (
    ("max number of clients", _down("raise its maxclients, or open fewer connections")),
    ("ldap service", _down("the directory it asks for passwords is down")),
    ("'auth' command", _wrong("it knows no users, only a password: it is older than Redis 6")),
    ("no password is set", _wrong("take the password out of the URL, or name the user too")),
    ("without any password", _wrong("take the password out of the URL, or name the user too")),
    ("invalid password", _LOGIN),
    ("db index", _wrong("it has fewer databases: look at its setting `databases`")),
    ("select is not allowed", _wrong("a Cluster has the database 0 only; say redis+cluster://")),
    ("cluster support disabled", _wrong("it is no Cluster; say redis://")),
    ("no such master", _wrong("look at the service in the URL: SENTINEL MASTERS lists them")),
    ("unknown command", _LACKING),
    ("unknown subcommand", _LACKING),
)
"""``ERR`` has no finer code: our rule by words of its text, in small letters."""

_CODE = re.compile(r"[A-Z][A-Z0-9_]+")
# What follows are the arguments of the command: the password of an AUTH, the value of a SET.
_ARGUMENTS = re.compile(r",? with args beginning with.*", re.DOTALL)
_LONGEST = 300


def reply_code(reply: Exception, otherwise: str = "ERR") -> str:
    """Return the first word of an error reply, or ``otherwise`` where it has none.

    redis-py takes it off the text of those it knows; from version 8 on their ``status_code``
    says it.
    """
    code = getattr(reply, "status_code", None)

    if isinstance(code, str):
        return code

    word = str(reply).partition(" ")[0]
    return word if _CODE.fullmatch(word) else otherwise


def without_arguments(text: str) -> str:
    """Return the text of a reply without the words of the command that it repeats."""
    return _ARGUMENTS.sub("", text)


def refusal(
    reply: Exception, tried: str, operation: str | None = None, *, code: str = "ERR"
) -> InfrastructureError:
    """Return our error for a server's ``reply``; ``tried`` says what was asked of which server.

    ``code`` counts where the text of the reply does not begin with one.
    """
    code = reply_code(reply, code)
    text = str(reply)
    rule = _rule(code, text.lower())
    said = scrub(without_arguments(text if text.startswith(code) else f"{code} {text}"))
    said = said[:_LONGEST].rstrip(" .")
    hint = f"; {rule.hint}" if rule.hint else ""
    return rule.error(
        f"{tried}: the server answered {said}{hint}",
        retryable=rule.retryable,
        # A script may have written something before the command that failed in it.
        outcome="unknown" if " script: " in text else rule.outcome,
        operation=operation,
    )


def _rule(code: str, text: str) -> Rule:
    rule = REPLIES.get(code, _BUG)

    if rule is _BUG:
        return next((rule for words, rule in TEXTS if words in text), rule)

    return rule
