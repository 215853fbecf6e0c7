from __future__ import annotations

from ..._core.deadline import expiry
from ...interfaces.exceptions import ValidationError
from .._blocks import TransactionBlock
from .._parameters import check_parameters
from .._refusals import refuse
from .._statement import StatementKind, parse_statement
from ._sending import batch
from ._statements import plan_of


async def execute_many(engine, query, params_list):
    statement = parse_statement(query)
    outer = engine.transactions.current("execute_many")
    refuse(statement, in_transaction=outer is not None)
    if statement.has_returning or statement.kind is not StatementKind.WRITE:
        raise ValidationError("execute_many gives no rows: execute()", operation="execute_many")
    try:
        rows = iter(params_list)
    except TypeError as exc:
        raise ValidationError("an iterable", operation="execute_many") from exc
    first = next(rows, None)
    if first is None:
        return
    async with TransactionBlock(engine.transactions, lambda _o: None):
        level = engine.transactions.current("execute_many")

        async def work(connection):
            import itertools

            i = 0
            it = itertools.chain([first], rows)
            while part := list(itertools.islice(it, 100)):
                enc = []
                for k, row in enumerate(part):
                    row = check_parameters(statement, row, i + k)
                    plan = await plan_of(
                        engine.plans, connection, statement, row, expiry(engine.deadline)
                    )
                    try:
                        enc.append(plan.parameters.encode(row))
                    except ValidationError as exc:
                        exc.row_index = i + k
                        raise
                try:
                    await batch(connection, plan, enc, expiry(engine.deadline), plan.tried)
                except Exception as exc:
                    if getattr(exc, "row_index", None) is not None:
                        exc.row_index += i
                    raise
                i += len(part)

        try:
            await engine.inside(level, "execute_many", expiry(engine.deadline), work)
        except BaseException as exc:
            if outer is not None and level.failed is not None:
                outer.failed = outer.failed or exc
            raise
