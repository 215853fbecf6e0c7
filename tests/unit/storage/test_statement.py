"""What an SQL text is, and what ``execute`` refuses to send."""

from __future__ import annotations

import pytest

from infrastructure.interfaces import TransactionError, ValidationError
from infrastructure.storage._parameters import check_parameters
from infrastructure.storage._refusals import refuse
from infrastructure.storage._statement import StatementKind, parse_statement

READ, WRITE, DDL = StatementKind.READ, StatementKind.WRITE, StatementKind.DDL
SESSION, OUTSIDE = StatementKind.SESSION, StatementKind.OUTSIDE
CONTROL, LISTEN = StatementKind.TRANSACTION_CONTROL, StatementKind.LISTEN
COPY, OTHER = StatementKind.COPY_CLIENT, StatementKind.OTHER


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("select 1", READ),
        ("(select 1) union select 2", READ),
        ("VALUES (1)", READ),
        ("TABLE t", READ),
        ("with x as (select replace(a, 'b', 'c') from t) select * from x for update", READ),
        ("explain select 1", READ),
        ("explain delete from t", READ),
        ("explain (analyze, buffers) delete from t", WRITE),
        ("explain analyze select 1", READ),
        ("/* a */ insert into t values (1)", WRITE),
        ("with x as (insert into t values (1) returning a) select * from x", WRITE),
        ("with x as (select 1) delete from t", WRITE),
        ("merge into t using u on true when matched then delete", WRITE),
        ("create table t (a int)", DDL),
        ("create index i on t (a)", DDL),
        ("select * into t from u", DDL),
        ("truncate t", DDL),
        ("create temp table t (a int)", SESSION),
        ("create or replace temp view v as select 1", SESSION),
        ("select * into temp t from u", SESSION),
        ("set search_path = app", SESSION),
        ("SET LOCAL lock_timeout = 1", SESSION),
        ("pragma foreign_keys", SESSION),
        ("declare c cursor with hold for select 1", SESSION),
        ("vacuum", OUTSIDE),
        ("call p()", OUTSIDE),
        ("create unique index concurrently i on t (a)", OUTSIDE),
        ("drop index concurrently i", OUTSIDE),
        ("reindex (verbose) database d", OUTSIDE),
        ("alter system set a = 1", OUTSIDE),
        ("alter table t detach partition p concurrently", OUTSIDE),
        ("alter table t add column concurrently int", DDL),
        ("begin", CONTROL),
        ("prepare transaction 'x'", CONTROL),
        ("listen a", LISTEN),
        ("copy t (a) from stdin", COPY),
        ("copy (select 1) to stdout", COPY),
        ("copy t from '/file'", OTHER),
        ("do $$ begin end $$", OTHER),
        ("(", OTHER),
    ],
)
def test_a_statement_is_of_its_kind(text, kind) -> None:
    """The words decide; literals, comments and names do not."""
    assert parse_statement(text).kind is kind


@pytest.mark.parametrize(
    ("text", "touches"),
    [
        ("select pg_advisory_lock(1)", True),
        ("select pg_advisory_xact_lock(1)", False),
        ("select set_config('a', 'b', false)", True),
        ("select set_config('a', 'b', $1)", True),
        ("select set_config('a', f(1, 2), true)", False),
        ("select set_config('a', 'b', 'on')", False),
        ("set local a = 1", False),
        ("set transaction read only", False),
        ("set session characteristics as transaction read only", True),
        ("select 'pg_advisory_lock(1)'", False),
        ("declare c cursor for select 1", False),
        ("declare c cursor with hold for select 1", True),
        ("create table pg_temp.t (a int)", True),
        ("create table t (temp int)", False),
        ("create view temp as select 1", False),
    ],
)
def test_what_touches_the_session_is_known(text, touches) -> None:
    """A connection is reset after what stays in it, and only then."""
    statement = parse_statement(text)
    assert statement.touches_session is touches
    assert not (statement.plain and touches)


@pytest.mark.parametrize(
    ("text", "returning"),
    [
        ("insert into t values (1) returning a", True),
        ("insert into t values ('returning')", False),
        ('update t set "returning" = 1', False),
        ("with x as (delete from t returning a) select 1", False),
        ("delete from t returning *", True),
    ],
)
def test_returning_is_seen(text, returning) -> None:
    """RETURNING counts at the outermost level."""
    assert parse_statement(text).has_returning is returning


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("select $2, $1, $2;", "select ?2, ?1, ?2"),
        ("select '$1', \"$2\", [$3] -- $4", "select '$1', \"$2\", [$3] -- $4"),
        ("; select 1 ; -- end\n;", " select 1  -- end\n"),
    ],
)
def test_sqlite_gets_numbered_placeholders(text, sent) -> None:
    """SQLite would number $2, $1 by their first appearance."""
    assert parse_statement(text, dialect="sqlite").sqlite_text == sent


def test_the_highest_placeholder_counts() -> None:
    """Not every one of 1 to n need be there; a dollar quote hides some."""
    assert parse_statement("select $3, $1, $$ $9 $$").parameters == 3


def test_the_functions_called_are_known() -> None:
    """In lower case, quoted ones too."""
    found = parse_statement("select NOW(), \"Sum\" (a), 'avg(b)'", dialect="sqlite")
    assert {"now", "sum"} <= found.functions
    assert "avg" not in found.functions


@pytest.mark.parametrize(
    "text",
    [
        "create trigger g after insert on t begin insert into u values (1); delete from v; end;",
        "create trigger g after insert on t begin update t set a = case 1 when 1 then 2 end; end",
    ],
)
def test_a_trigger_is_one_statement(text) -> None:
    """The semicolons of its body end nothing."""
    assert parse_statement(text, dialect="sqlite").kind is DDL


@pytest.mark.parametrize(
    "text",
    [
        "",
        " -- nothing\n",
        ";",
        "select 1; select 2",
        "select 1;;drop table t",
        "create trigger g after insert on t begin select 1; end; drop table t",
        "select 'a",
        "select 1 /* a",
        "select $0",
        "select $70000",
        "select $" + "9" * 5000,
        "select '\0'",
        "select '\ud800'",
    ],
)
def test_what_is_not_one_statement_is_refused(text) -> None:
    """Nothing, two statements, a literal without end, a placeholder that cannot be."""
    with pytest.raises(ValidationError):
        parse_statement(text)


@pytest.mark.parametrize("query", [None, b"select 1", 1])
def test_a_query_is_a_str(query) -> None:
    """Anything else is refused by its type."""
    with pytest.raises(ValidationError, match="str"):
        parse_statement(query)


@pytest.mark.parametrize("mark", ["?", "?1", ":x", "@x", "$x", "$1x"])
def test_sqlite_placeholders_of_another_style_are_refused(mark) -> None:
    """SQLite would bind them silently."""
    with pytest.raises(ValidationError, match=r"\$1, \$2"):
        parse_statement(f"select {mark}", dialect="sqlite")

    assert parse_statement(f"select '{mark}'", dialect="sqlite").parameters == 0


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("select ?", "?"),
        ("select %s", "%s"),
        ("select %(a)s", "%s"),
        ("select :name", ":name"),
        ("select @name", "@name"),
    ],
)
def test_a_wrong_count_hints_at_another_style(text, hint) -> None:
    """The operators of that spelling stay usable where the count is right."""
    statement = parse_statement(text)

    with pytest.raises(ValidationError) as raised:
        check_parameters(statement, [1])

    assert f"contains {hint}" in raised.value.message
    assert check_parameters(statement, []) == []


def test_a_cast_is_no_hint() -> None:
    """A cast and a slice look like nothing else."""
    with pytest.raises(ValidationError) as raised:
        check_parameters(parse_statement("select $1::int, a[1:2]"), [])

    assert "contains" not in raised.value.message


@pytest.mark.parametrize("params", [{"a": 1}, "ab", 5, {1, 2}])
def test_parameters_are_a_list(params) -> None:
    """A str or dict of the right length is no list."""
    with pytest.raises(ValidationError, match="list"):
        check_parameters(parse_statement("select $1, $2"), params)


def test_the_row_of_a_wrong_count_is_told() -> None:
    """execute_many says which row it was."""
    with pytest.raises(ValidationError, match="row 7") as raised:
        check_parameters(parse_statement("insert into t values ($1)"), [1, 2], 7)

    assert raised.value.row_index == 7


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("BEGIN", "begin_transaction()"),
        ("start transaction", "begin_transaction()"),
        ("commit", "commit()"),
        ("end", "commit()"),
        ("rollback to savepoint a", "rollback()"),
        ("abort", "rollback()"),
        ("savepoint a", "begin_transaction()"),
        ("release a", "commit()"),
        ("prepare transaction 'x'", "commit()"),
        ("commit prepared 'x'", "one phase"),
        ("listen a", "listen()"),
        ("copy t from stdin", "execute_many()"),
    ],
)
def test_control_names_the_method(text, named) -> None:
    """What has a method of its own does not go through execute."""
    for inside in (True, False):
        with pytest.raises(ValidationError) as raised:
            refuse(parse_statement(text), in_transaction=inside)

        assert named in raised.value.message


@pytest.mark.parametrize(
    "text",
    [
        "set a = 1",
        "reset all",
        "discard all",
        "create temp table t (a int)",
        "set local a = 1",
        "select pg_advisory_lock(1)",
        "select set_config('a', 'b', false)",
    ],
)
def test_session_commands_run_inside_a_transaction_only(text) -> None:
    """Outside, the error shows the block and the option."""
    statement = parse_statement(text)
    refuse(statement, in_transaction=True)

    with pytest.raises(TransactionError) as raised:
        refuse(statement, in_transaction=False)

    assert "async with storage.transaction():" in raised.value.message
    assert "PostgresStorage(settings=" in raised.value.message
    assert raised.value.outcome == "not_applied"


def test_a_pragma_shows_the_option_of_sqlite() -> None:
    """Each dialect names its own constructor."""
    with pytest.raises(TransactionError, match="SQLiteStorage"):
        refuse(parse_statement("pragma synchronous=OFF", dialect="sqlite"), in_transaction=False)


def test_vacuum_runs_outside_a_transaction_only() -> None:
    """A procedure may do both: the server decides."""
    refuse(parse_statement("vacuum"), in_transaction=False)
    refuse(parse_statement("call p()"), in_transaction=True)

    with pytest.raises(TransactionError, match="detached"):
        refuse(parse_statement("vacuum"), in_transaction=True)
