"""The storage interface: what every database of the infrastructure can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, List, Optional, Self, Union

from .exceptions import ConfigurationError

__all__ = ["Column", "StorageInterface"]


@dataclass(frozen=True)
class Column:
    """A column of ``create_table``, where a type text does not say enough.

    ``type``         a type text (``"NUMERIC(12,4)"``) or a Python type (``datetime``).
    ``nullable``     whether NULL is allowed; a primary key never is.
    ``primary_key``  several columns with it make one composite key, in their order.
    ``unique``       alone unique.
    ``default``      a literal value, or ``"now()"`` and ``"gen_random_uuid()"`` as ``DEFAULT`` in a type text.
    ``references``   ``"table(column)"`` of a foreign key.
    ``identity``     numbered by the database where no value is given.
    """

    type: Union[str, type]
    nullable: bool = False
    primary_key: bool = False
    unique: bool = False
    default: Any = None
    references: Optional[str] = None
    identity: bool = False


class StorageInterface(ABC):
    """A relational database of rows, transactions and time series.

    **SQL** is one statement a call, its placeholders ``$1 ... $n``, in any order, each
    usable several times. A wrong count of parameters raises ``ValidationError`` before
    anything is sent.

    **Values** of columns keep their exact type: ``None, bool, int`` (64 bit), ``float,
    Decimal`` (exact), ``str`` (without NUL), ``bytes, datetime`` (aware for TIMESTAMPTZ,
    returned in UTC; naive for TIMESTAMP), ``date, timedelta`` for INTERVAL, ``UUID``,
    ``dict`` and ``list`` for JSON.

    **Every method** but ``connect``, ``disconnect`` and ``is_connected`` raises
    ``ConnectionError`` before ``connect``, after ``disconnect`` and when the server is
    lost; ``TimeoutError`` when its deadline passes; ``ConfigurationError`` in another
    event loop or process than the one that connected. Concurrent calls are safe.
    ``asyncio.CancelledError`` passes through; a cancelled write has an unknown outcome.
    """

    @abstractmethod
    async def connect(self) -> None:
        """Connect to the database.

        Idempotent; concurrent calls share one attempt. A failed attempt leaves nothing
        behind. Raises ``ConnectionError`` when the database cannot be reached,
        ``ConfigurationError`` when the settings are wrong.
        """

    @abstractmethod
    async def disconnect(self) -> None:
        """Disconnect from the database.

        An open transaction is rolled back. Idempotent, safe before ``connect`` and after a
        failed one; never hangs. ``connect`` works again afterwards.
        """

    @abstractmethod
    async def is_connected(self) -> bool:
        """Return whether a statement would reach the database now.

        Asks it, for at most 1 s. Never raises.
        """

    @abstractmethod
    async def execute(self, query: str, params: Optional[List[Any]] = None) -> List[Any]:
        """Run one statement; return its rows as ``dict``, ``[]`` where it has none.

        Outside a transaction it commits by itself. Two result columns of one name raise
        ``ValidationError``, and nothing is changed. Transaction control (BEGIN, COMMIT ...)
        raises ``ValidationError`` and names the method to use; commands that change the
        session run inside a transaction only.
        """

    @abstractmethod
    async def execute_many(self, query: str, params_list: List[List[Any]]) -> None:
        """Run one statement for every row of parameters, all or nothing.

        In a transaction of its own, or inside the open one. ``params_list`` may be any
        iterable; an empty one does nothing; an error that it raises comes back after the
        rollback. RETURNING raises ``ValidationError``. ``row_index`` of an error is the
        row, or ``None`` where the database cannot tell.
        """

    @abstractmethod
    async def begin_transaction(self) -> None:
        """Begin a transaction for the calling task; inside one, begin a savepoint.

        Until ``commit`` or ``rollback`` ends it, the statements of this task, and of the
        tasks it starts meanwhile, run in it. Run as a task of its own (``gather``,
        ``wait_for`` on Python 3.11) it raises ``TransactionError``: for a time limit use
        ``asyncio.timeout``. See ``transaction()``.
        """

    @abstractmethod
    async def commit(self) -> None:
        """Commit the innermost transaction or savepoint of the calling task.

        Without one: ``TransactionError``. One in which a statement failed is rolled back
        and raises ``TransactionError``. A lost answer is a ``ConnectionError`` with
        ``outcome="unknown"``; nobody repeats it.
        """

    @abstractmethod
    async def rollback(self) -> None:
        """Roll the innermost transaction or savepoint of the calling task back.

        Without one: ``TransactionError``.
        """

    @abstractmethod
    async def create_table(self, table_name: str, schema: dict[str, Any]) -> None:
        """Create a table; ``schema`` maps each column to its type.

        A type is a text (``"TIMESTAMPTZ NOT NULL"``, ``"NUMERIC(12,4)"``, ``"BIGINT PRIMARY
        KEY"``, ``"TEXT DEFAULT 'x'"``; nullable unless it says otherwise), a Python type
        (``int``: NOT NULL; ``int | None``: nullable), or a ``Column``. What does not parse
        raises ``ValidationError``. An existing table of the same columns: no effect; of
        different ones: ``OperationError`` that shows the difference.
        """

    @abstractmethod
    async def create_hypertable(self, table_name: str, time_column: str) -> None:
        """Turn a table into a hypertable, partitioned by ``time_column``.

        The column must be of a time or integer type, hold no NULL, and be part of every
        unique key: else ``ValidationError``. Idempotent; rows that are there stay.
        """

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Return an ``async with`` block that is one transaction, or a savepoint inside one.

        It commits at its end; an error or a cancellation in it rolls back and passes on.
        """
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        await self.begin_transaction()

        try:
            yield
        except BaseException:
            await self.rollback()
            raise

        await self.commit()

    def detached(self) -> AbstractAsyncContextManager[None]:
        """Return an ``async with`` block whose statements are outside any transaction."""
        msg = (
            f"{type(self).__name__} has no detached(): its abstract methods cannot leave "
            "a transaction; run the statement in a task started before the transaction"
        )
        raise ConfigurationError(msg, operation="detached")

    def stream(
        self, query: str, params: Optional[List[Any]] = None, batch_size: int = 1000
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Give the rows of a query as they come: ``async for row in storage.stream(...)``.

        At most about ``batch_size`` rows are held in memory. Inside a transaction other
        statements work between two rows. Whoever leaves the loop early and wants the
        connection back at once uses ``contextlib.aclosing``.
        """
        msg = (
            f"{type(self).__name__} has no stream(): its abstract methods give all rows at "
            "once; use execute() with LIMIT"
        )
        raise ConfigurationError(msg, operation="stream")

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Disconnect."""
        await self.disconnect()
