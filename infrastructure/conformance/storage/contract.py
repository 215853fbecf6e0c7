"""G1: the interface is the specification's, and the simple use is simple."""

from __future__ import annotations

import inspect

from ...interfaces import StorageInterface
from .._check import check
from .._expect import equal
from .._harness import StorageHarness
from ._items import items_of

__all__ = ["G1_the_methods_are_those_specified", "G1_the_simple_use_is_simple"]

_METHODS = (
    "connect",
    "disconnect",
    "is_connected",
    "execute",
    "execute_many",
    "begin_transaction",
    "commit",
    "rollback",
    "create_table",
    "create_hypertable",
)


@check()
async def G1_the_methods_are_those_specified(harness: StorageHarness) -> None:
    """A storage is a StorageInterface whose methods take what the interface's take."""
    storage = harness.make()
    assert isinstance(storage, StorageInterface), f"{type(storage).__name__} is no StorageInterface"

    for name in _METHODS:
        method = getattr(storage, name)
        assert inspect.iscoroutinefunction(method), f"{name} is not an async function"
        wanted = list(inspect.signature(getattr(StorageInterface, name)).parameters.values())[1:]
        got = list(inspect.signature(method).parameters.values())
        shown = [(one.name, one.default) for one in got[: len(wanted)]]
        assert shown == [(one.name, one.default) for one in wanted], f"{name} takes {shown}"
        more = [one.name for one in got[len(wanted) :] if one.default is one.empty]
        assert not more, f"{name} demands {more} beyond the interface"


@check()
async def G1_the_simple_use_is_simple(harness: StorageHarness) -> None:
    """Connect, make a table, write, read, disconnect: without an option."""
    async with items_of(harness) as items:
        await items.run("INSERT INTO items (id, name) VALUES ($1, $2)", [1, "one"])
        equal(await items.run("SELECT * FROM items"), [{"id": 1, "name": "one"}])
        assert await items.storage.is_connected() is True, "it is not True"
