"""Storages that get wrong what SQLite does not promise: types of parameters and expressions, schemas."""

from __future__ import annotations

from .._mutant import Mutant
from ._on_server import on_server

__all__ = ["MUTANTS"]

_ROWS = (
    "            return transformer.load_rows(\n"
    "                start, result.ntuples if stop is None else stop, self._make\n"
    "            )\n"
)
_READ = (
    "            found = transformer.load_rows(\n"
    "                start, result.ntuples if stop is None else stop, self._make\n"
    "            )\n"
    "            return [{{name: {} for name, one in row.items()}} for row in found]\n"
)

MUTANTS: tuple[Mutant, ...] = (
    on_server(
        name="takes_nan_for_null",
        module="storage.postgres.values._rows",
        old=_ROWS,
        new=_READ.format("one if one == one else None"),
        caught_by=("S5_a_nan_comes_back",),
    ),
    on_server(
        name="reads_a_sum_as_a_float",
        module="storage.postgres.values._rows",
        old=_ROWS,
        new=_READ.format('float(one) if type(one).__name__ == "Decimal" else one'),
        caught_by=("S5_expressions_are_type_exact",),
    ),
    on_server(
        name="sends_a_list_as_its_own_text",
        module="storage.postgres.values._parameters",
        old="        try:\n            if self._only is not None:\n",
        new=(
            "        params = [\n"
            "            str(one) if isinstance(one, (list, tuple, set)) else one for one in params\n"
            "        ]\n\n"
            "        try:\n            if self._only is not None:\n"
        ),
        caught_by=("S5_arrays_take_lists",),
    ),
    on_server(
        name="reads_no_text_for_another_type",
        module="storage.postgres.values._parameters",
        old="        except (TextInput, OperationError):\n",
        new="        except OperationError:\n",
        caught_by=("S5_a_text_is_the_input_of_every_type",),
    ),
    on_server(
        name="lets_the_server_judge_a_parameter",
        module="storage.postgres.values._parameters",
        old="                raise ValidationError(msg) from exc\n",
        new="                encoded, formats[position] = str(value).encode(), 0\n",
        caught_by=("S5_a_parameter_is_checked_by_its_use",),
    ),
    on_server(
        name="knows_no_schema_of_a_table",
        module="storage.postgres._tables",
        old="    table = parse_table_name(table_name, schemas=True)\n",
        new="    table = parse_table_name(table_name, schemas=False)\n",
        caught_by=("S12_a_table_of_a_schema",),
    ),
)
"""All of them."""
