"""An SQLite storage, who uses it, and what each of them should see after every step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis.stateful import invariant

from infrastructure.interfaces import InfrastructureError, OperationError, TransactionError
from infrastructure.storage.sqlite import SQLiteStorage

from .machine import Actor, AsyncMachine, error_of
from .storage_model import State, StorageModel

__all__ = ["SQLiteWorld"]


class SQLiteWorld(AsyncMachine):
    """An owner of transactions, another handle on the same file, and a model of both."""

    async def start(self) -> None:
        self.model = StorageModel()
        self.folder = TemporaryDirectory(prefix="sqlite-machine-")
        url = f"sqlite:///{Path(self.folder.name) / 'machine.db'}"
        # What is lost in a power cut is not asked here.
        self.storage = SQLiteStorage(url, pragmas={"synchronous": "OFF"})
        self.other = SQLiteStorage(url, pragmas={"synchronous": "OFF"}, inline_reads=False)
        self.owner = Actor()
        self.last_id = 100
        await self.storage.connect()
        await self.other.connect()
        await self.storage.create_table("items", {"id": "BIGINT PRIMARY KEY", "name": str})

    def fresh(self) -> int:
        """Return an id that no row has."""
        self.last_id += 1
        return self.last_id

    def act(self, call: Callable[[], Awaitable[Any]]) -> InfrastructureError | None:
        """Let the owner do something; return its error."""
        return self.await_(self.owner.do(lambda: error_of(call)))

    def expect(
        self, wanted: type[InfrastructureError] | None, call: Callable[[], Awaitable[Any]]
    ) -> InfrastructureError | None:
        """Let the owner do something that ends as ``wanted``."""
        error = self.act(call)
        assert (error is None) if wanted is None else isinstance(error, wanted), repr(error)
        return error

    def change(self, change: Callable[[State], Any], sql: str, *params: Any) -> None:
        """Let the owner run a statement that does what ``change`` does to a state."""
        wanted = self.model.attempt(change)
        error = self.expect(wanted, lambda: self.storage.execute(sql, list(params)))

        if wanted is TransactionError:
            assert error is not None
            assert error.sqlstate == "25P02"

    @invariant()
    def sees(self) -> None:
        """The owner sees its transaction; everybody else what is committed."""
        if not self.model.failed:
            found = self.await_(self.owner.do(lambda: self.read(self.storage)))
            assert found == self.model.visible

        for storage in (self.storage, self.other):
            assert self.await_(self.read(storage)) == self.model.committed

    async def read(self, storage: SQLiteStorage) -> State:
        """Return what the calling task sees; whether ``extra`` is there is asked first."""
        items = await storage.execute("SELECT id, name FROM items")
        found = State({row["id"]: row["name"] for row in items})
        tables = await storage.execute(
            "SELECT count(*) AS n FROM sqlite_master WHERE name = 'extra'"
        )

        if tables[0]["n"]:
            found.extra = [row["id"] async for row in storage.stream("SELECT id FROM extra")]

        return found

    async def compare(self) -> None:
        """A new connection finds what was committed."""
        await self.owner.retire()
        await self.other.disconnect()
        await self.other.connect()
        assert await self.read(self.other) == self.model.committed
        error = await error_of(lambda: self.other.execute("SELECT id FROM missing"))
        assert isinstance(error, OperationError)

    async def stop(self) -> None:
        await self.storage.disconnect()
        await self.other.disconnect()
        self.folder.cleanup()
