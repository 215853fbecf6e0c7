"""The checks of a cache.

Without a feature: C1 to C7, G1, G3 for calls one after another, G4, G11, G13 and E, which
bind every backend. The features:

- ``batch``           get_many, set_many and delete_many as the inherited ones do;
- ``strict_batch``    a batch is validated as a whole before its first key is touched;
- ``get_or_set``      one factory call in this process, as the inherited one does;
- ``flights``         get_or_set validates first, a delete meanwhile wins, disconnect ends it;
- ``shared_handles``  instances of one store share their data and their factory calls;
- ``lifecycle``       concurrent connects and disconnects;
- ``loop_owner``      use from another event loop is refused;
- ``deadlines``       ``deadline(...)`` blocks and the option ``deadline=``;
- ``cancellation``    no cancellation is lost at any suspension;
- ``secrets``         repr and errors show no value.
"""

from __future__ import annotations

from .._check import Check, checks_of
from . import (
    batch,
    cancellation,
    contract,
    deadlines,
    errors,
    flights,
    get_or_set,
    keys,
    lifecycle,
    removal,
    scan,
    ttl,
    values,
)

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = checks_of(
    contract,
    keys,
    values,
    ttl,
    removal,
    scan,
    batch,
    get_or_set,
    flights,
    lifecycle,
    deadlines,
    cancellation,
    errors,
)
"""Every check of a cache."""
