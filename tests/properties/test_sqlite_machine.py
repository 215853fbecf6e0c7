"""Whatever transactions do to an SQLite storage, in any order: it holds what a stack of snapshots does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from infrastructure.interfaces import (
    ConnectionError,
    InfrastructureError,
    TransactionError,
    ValidationError,
)

from .machine import Actor, error_of, machine_settings
from .sqlite_world import SQLiteWorld
from .storage_model import State

INSERT = "INSERT INTO items (id, name) VALUES ($1, $2)"
INSERT_OR_ROLLBACK = "INSERT OR ROLLBACK INTO items (id, name) VALUES ($1, $2)"
UPSERT = f"{INSERT} ON CONFLICT (id) DO UPDATE SET name = excluded.name"
UPDATE = "UPDATE items SET name = $2 WHERE id = $1"

ids = st.integers(0, 9)
names = st.sampled_from(["a", "b", "نام", ""])
# A failed statement leaves nothing to do but a rollback: most must succeed.
maybe_names = st.sampled_from(["a", "b", "c", "d", "e", "f", None])
unfailed = precondition(lambda self: not self.model.failed)
outside = precondition(lambda self: not self.model.stack)

WRITES: dict[str, tuple[str, Callable[[State, int, Any], None]]] = {
    "insert": (INSERT, State.insert),
    "upsert": (UPSERT, State.upsert),
    "update": (UPDATE, State.rename),
}


class Failure(Exception):
    """The user's own."""


class SQLiteMachine(SQLiteWorld):
    """Every step that is taken in that world."""

    # Statements.

    @rule(kind=st.sampled_from(list(WRITES)), number=ids, name=maybe_names)
    def write(self, kind: str, number: int, name: str | None) -> None:
        sql, change = WRITES[kind]
        self.change(lambda state: change(state, number, name), sql, number, name)

    @unfailed
    @rule(inside=st.booleans())
    def insert_or_roll_all_back(self, inside: bool) -> None:
        """SQLite's own way to end a transaction behind our back: all levels have gone with it."""
        number = self.fresh()
        self.write("insert", number, "a")

        if inside:
            self.begin()
            self.begin()

        self.change(
            lambda state: state.insert(number, "a", lost=True), INSERT_OR_ROLLBACK, number, "a"
        )

        if inside:
            self.end(commits=False)
            self.write("insert", self.fresh(), "late")

    @unfailed
    @rule(number=ids)
    def delete(self, number: int) -> None:
        """A write with rows gives them."""
        wanted = [
            {"name": name} for each, name in self.model.visible.items.items() if each == number
        ]
        sql = "DELETE FROM items WHERE id = $1 RETURNING name"
        self.model.attempt(lambda state: state.items.pop(number, None))
        found = self.await_(self.owner.do(lambda: self.storage.execute(sql, [number])))
        assert found == wanted

    @unfailed
    @rule(kind=st.sampled_from(["BIGINT", "TEXT"]))
    def create_extra(self, kind: str) -> None:
        """A table that is there already is no error."""
        kind = kind if self.model.visible.extra is None else self.model.visible.kind

        def create(state: State) -> None:
            state.extra, state.kind = state.extra or [], kind

        self.expect(
            self.model.attempt(create), lambda: self.storage.create_table("extra", {"id": kind})
        )

    @unfailed
    @rule(step=st.sampled_from(["insert", "insert", "drop"]), number=ids)
    def use_extra(self, step: str, number: int) -> None:
        """Where the table is missing, that is the database's error, and fails the transaction."""
        if step == "insert":
            sql = "INSERT INTO extra (id) VALUES ($1)"
            value = number if self.model.visible.kind == "BIGINT" else str(number)
            self.change(lambda state: state.need_extra().append(value), sql, value)
        elif self.model.visible.extra is not None:
            self.change(lambda state: setattr(state, "extra", None), "DROP TABLE extra")

    @unfailed
    @rule(kinds=st.permutations(["BIGINT", "TEXT"]))
    def remake_extra(self, kinds: list[str]) -> None:
        """What was known of a table is forgotten with the rollback that takes it away."""
        self.use_extra("drop", 0)

        for kind in kinds:
            self.begin()
            self.create_extra(kind)
            self.use_extra("insert", 1)
            self.end(commits=False)

    @rule(
        call=st.sampled_from(
            [
                (INSERT, [1]),
                (INSERT, ["1", "a"]),
                (INSERT, [2**63, "a"]),
                (INSERT, [1, 2]),
                ("COMMIT", []),
                ("SAVEPOINT a", []),
                ("SELECT id AS a, name AS a FROM items", []),
            ]
        )
    )
    def refuse(self, call: tuple[str, list[Any]]) -> None:
        """What is refused before it runs changes nothing and fails no transaction."""
        error = self.act(lambda: self.storage.execute(*call))
        late = isinstance(error, TransactionError) and self.model.failed
        assert isinstance(error, ValidationError) or late

    # Many rows at once.

    @rule(rows=st.lists(st.tuples(ids, maybe_names), min_size=1, max_size=5))
    def insert_many(self, rows: list[tuple[int, str | None]]) -> None:
        """All rows or none; the error names the first bad one."""
        at = -1

        def insert(state: State) -> None:
            nonlocal at

            for at, row in enumerate(rows):  # noqa: B007 - read where it stops
                state.insert(*row)

        was_failed = self.model.failed
        wanted = self.model.attempt(insert)
        error = self.expect(wanted, lambda: self.storage.execute_many(INSERT, iter(rows)))

        if error is not None and not was_failed:
            assert error.row_index == at

    @unfailed
    @rule(rows=st.lists(st.tuples(ids, names), max_size=5))
    def update_many(self, rows: list[tuple[int, str]]) -> None:
        wanted = self.model.attempt(lambda state: [state.rename(*row) for row in rows])
        self.expect(wanted, lambda: self.storage.execute_many(UPDATE, rows))

    @unfailed
    @rule(
        good=st.sampled_from([0, 1, 3, 600]), bad=st.sampled_from([[1], ["1", "a"], [1, 2], None])
    )
    def insert_many_fails_here(self, good: int, bad: list[Any] | None) -> None:
        """A bad parameter, or the user's own error, takes back the rows before it and no more."""

        def rows() -> Iterator[list[Any]]:
            for _ in range(good):
                yield [self.fresh(), "a"]

            if bad is None:
                raise Failure

            yield bad

        async def insert() -> None:
            try:
                await self.storage.execute_many(INSERT, rows())
            except Failure as exc:
                raise ValidationError("the user's own", row_index=good) from exc

        error = self.expect(ValidationError, insert)
        assert error is not None
        assert error.row_index == good

    # Transactions.

    @rule()
    def begin(self) -> None:
        self.expect(self.model.begin(), self.storage.begin_transaction)

    @unfailed
    @rule(writes=st.booleans())
    def begin_inside(self, writes: bool) -> None:
        """Levels of both kinds in each other, which single steps would seldom make."""
        self.enter_block()
        self.begin()

        if writes:
            self.write("insert", self.fresh(), "inside")

    @rule(commits=st.booleans())
    def end(self, commits: bool) -> None:
        """The innermost begin_transaction ends; a block and nothing cannot be ended so."""
        call = self.storage.commit if commits else self.storage.rollback

        if not self.model.flats():
            self.expect(TransactionError, call)
        elif commits:
            self.expect(self.model.commit(), call)
        else:
            self.model.roll_back()
            self.expect(None, call)

    @rule()
    def enter_block(self) -> None:
        block = self.storage.transaction()
        self.expect(self.model.begin(block), block.__aenter__)

    @precondition(lambda self: self.model.flats() < len(self.model.stack))
    @rule(fails=st.booleans())
    def leave_block(self, fails: bool) -> None:
        """A block with an error, or with a transaction left open in it, is rolled back."""
        inside = self.model.flats()
        block = self.model.stack[-1 - inside].block
        error = (Failure, Failure(), None) if fails else (None, None, None)
        wanted: type[InfrastructureError] | None = None

        if fails or inside:
            self.model.roll_back(inside + 1)
            wanted = None if fails else TransactionError
        else:
            wanted = self.model.commit()

        self.expect(wanted, lambda: block.__aexit__(*error))

    @rule(fails=st.booleans())
    def savepoint_of_a_child(self, fails: bool) -> None:
        """A block in a task that was started inside is a savepoint of the same transaction."""
        number = self.fresh()

        async def child() -> None:
            async with self.storage.transaction():
                await self.storage.execute(INSERT, [number, "child"])

                if fails:
                    raise Failure

        async def parent() -> None:
            (error,) = await asyncio.gather(child(), return_exceptions=True)

            if error is not None and not isinstance(error, Failure):
                raise error

        self.expect(
            self.model.attempt(lambda state: None if fails else state.insert(number, "child")),
            parent,
        )

    @unfailed
    @rule(count=st.integers(1, 3))
    def gather(self, count: int) -> None:
        """Statements of tasks that were started inside belong to the transaction."""
        numbers = [self.fresh() for _ in range(count)]
        wanted = self.model.attempt(lambda state: state.items.update(dict.fromkeys(numbers, "g")))

        async def run() -> None:
            await asyncio.gather(*(self.storage.execute(INSERT, [each, "g"]) for each in numbers))

        self.expect(wanted, run)

    @rule(writes=st.booleans())
    def detached(self, writes: bool) -> None:
        """Detached, the owner sees what others see, and cannot wait for the writer it holds."""
        number, found = self.fresh(), []

        async def aside() -> None:
            async with self.storage.detached():
                found.extend(await self.storage.execute("SELECT id, name FROM items"))

                if writes:
                    await self.storage.execute(INSERT, [number, "aside"])

        before = dict(self.model.committed.items)
        wanted = TransactionError if writes and self.model.holds_writer else None

        if writes and wanted is None:
            self.model.outside(number, "aside")

        self.expect(wanted, aside)
        assert {row["id"]: row["name"] for row in found} == before

    @precondition(lambda self: self.model.flats() == len(self.model.stack))
    @rule()
    def owner_ends(self) -> None:
        """What a task leaves open is rolled back."""
        self.await_(self.owner.retire())
        self.model.roll_back(len(self.model.stack))
        self.owner = self.await_(self._new_owner())

    async def _new_owner(self) -> Actor:
        return Actor()

    # Others.

    @outside
    @rule(number=ids, name=maybe_names)
    def other_inserts(self, number: int, name: str | None) -> None:
        """What another handle commits is there for the owner."""
        wanted = self.model.attempt(lambda state: state.insert(number, name))
        error = self.await_(error_of(lambda: self.other.execute(INSERT, [number, name])))
        assert (error is None) if wanted is None else isinstance(error, wanted)

    @rule()
    def reconnect(self) -> None:
        """What was committed is kept; an open transaction is rolled back, and its owner learns it."""
        self.await_(self.storage.disconnect())
        self.expect(ConnectionError, lambda: self.storage.execute("SELECT id FROM items"))
        self.model.lose()
        self.await_(self.storage.connect())


TestSQLite = SQLiteMachine.TestCase
TestSQLite.settings = machine_settings(0.5)
