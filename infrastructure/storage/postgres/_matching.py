"""A table that is there, told in the words of the table that is wanted wherever both mean the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .._literals import Default
from .._schema import ColumnSpec, Reference, TableSchema
from .._types import ColumnType
from ._ask import Ask
from ._catalogue import Existing
from ._defaults import is_literal, means_function, same_literals

__all__ = ["comparable", "told_as"]

_OIDS = """
SELECT pg_catalog.{function}(name)::oid::bigint AS oid
FROM unnest($1::text[]) WITH ORDINALITY AS wanted(name, n) ORDER BY n"""
# So the server spells what was written without an argument.
_OF_ONE = re.compile(r"(character|bit)\(1\)(\[\])*")


def comparable(wanted: TableSchema) -> TableSchema:
    """Return a wanted schema as the catalogue can give it back: every type is the server's own."""
    columns = tuple(
        replace(column, type=replace(column.type, portable=True)) for column in wanted.columns
    )
    return replace(wanted, columns=columns)


async def told_as(ask: Ask, wanted: TableSchema, existing: Existing) -> TableSchema:
    """Return the schema that is there, its types, references and defaults spelled as wanted."""
    there = existing.schema
    pairs = [(column, found) for column in wanted.columns if (found := there.column(column.name))]
    types = await _types(ask, pairs, existing)
    references = await _references(ask, pairs, existing)
    columns = {
        column.name: replace(
            column,
            type=types.get(column.name, column.type),
            references=references.get(column.name, column.references),
        )
        for column in there.columns
    }
    of_one_type = [
        (column, columns[column.name])
        for column, _ in pairs
        if str(column.type) == str(columns[column.name].type)
    ]
    defaults = await _defaults(ask, of_one_type, existing)
    return replace(
        there,
        columns=tuple(
            replace(column, default=defaults.get(name, column.default))
            for name, column in columns.items()
        ),
    )


_Pairs = Sequence[tuple[ColumnSpec, ColumnSpec]]
"""Columns as they are wanted, and as they are."""


async def _oids(ask: Ask, function: str, names: list[str]) -> list[int | None]:
    if not names:
        return []

    return [row["oid"] for row in await ask(_OIDS.format(function=function), [names])]


async def _types(ask: Ask, pairs: _Pairs, existing: Existing) -> dict[str, ColumnType]:
    """Return the types that only PostgreSQL has, where the server says that they are those wanted."""
    others = [wanted for wanted, _ in pairs if not wanted.type.portable]
    # Without arguments: the type's own code would read them, and may refuse them.
    names = [column.type.name + "[]" * bool(column.type.dimensions) for column in others]
    found = {}

    for column, oid in zip(others, await _oids(ask, "to_regtype", names), strict=True):
        type_oid, spelled = existing.types[column.name]

        if oid == type_oid and _arguments(spelled) == [
            str(a).lower() for a in column.type.arguments
        ]:
            found[column.name] = replace(column.type, portable=True)

    return found


def _arguments(spelled: str) -> list[str]:
    """Return what stands in the parentheses of a type."""
    match = None if _OF_ONE.fullmatch(spelled) else re.search(r"\(([^)]*)\)", spelled)
    return [] if match is None else [text.strip().lower() for text in match[1].split(",")]


async def _references(ask: Ask, pairs: _Pairs, existing: Existing) -> dict[str, Reference]:
    """Return the references that point to where the wanted ones do."""
    wanted = {column.name: column.references for column, _ in pairs if column.references}
    names = [reference.table.quoted for reference in wanted.values()]
    found = {}

    for (name, reference), oid in zip(
        wanted.items(), await _oids(ask, "to_regclass", names), strict=True
    ):
        there = [(each, target.column) for each, target in existing.references.get(name, ())]

        if (oid, reference.column) in there:
            found[name] = reference

    return found


async def _defaults(ask: Ask, pairs: _Pairs, existing: Existing) -> dict[str, Default]:
    """Return the defaults that give what the wanted ones give."""
    found, literals, names = {}, [], []

    for wanted, there in pairs:
        if wanted.default is None or there.default is None:
            continue

        text = there.default.function or ""

        if means_function(text, wanted.default, wanted.type):
            found[wanted.name] = wanted.default
        elif wanted.default.function is None and is_literal(text):
            spelled = existing.types[wanted.name][1]
            literals.append((text, wanted.default, wanted.type, spelled))
            names.append(wanted.name)

    same = await same_literals(ask, literals)
    found |= {name: each[1] for name, each, yes in zip(names, literals, same, strict=True) if yes}
    return found
