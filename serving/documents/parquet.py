"""Parquet, batch by batch: string columns, lists of strings among them; other columns are carried over as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, choose_fields, mask_units
from goldspan.serving.documents.flow import MaskedRuns, Run, search_values

if TYPE_CHECKING:
    import pyarrow

_ROWS = 512


async def mask_parquet(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a Parquet file. Columns that hold strings in structs or maps are refused by name; metadata is left out."""
    import pyarrow
    import pyarrow.parquet

    counts = FileCounts()
    try:
        reader = pyarrow.parquet.ParquetFile(source)
        schema = _drop_metadata(reader.schema_arrow)
        columns = _choose_columns(schema, settings, source)
        with pyarrow.parquet.ParquetWriter(target, schema) as writer:
            for batch in reader.iter_batches(_ROWS):
                writer.write_batch(await _mask_batch(batch, columns, masker, settings, counts, source.name))
        _verify(source, target, columns)
        if schema.metadata != reader.schema_arrow.metadata:
            counts.notes.append("the metadata of the file was left out")
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{source} cannot be read as Parquet: {type(error).__name__}.") from None
    return counts


def edit_parquet(path: Path, edit: Callable[[str], str]) -> bytes:
    """The table with `edit` applied to every text in string columns and lists of strings."""
    import pyarrow
    import pyarrow.parquet

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(one) for one in value]
        return edit(value) if isinstance(value, str) else value

    stream = BytesIO()
    try:
        reader = pyarrow.parquet.ParquetFile(path)
        schema = _drop_metadata(reader.schema_arrow)
        with pyarrow.parquet.ParquetWriter(stream, schema) as writer:
            for batch in reader.iter_batches(_ROWS):
                arrays = [
                    pyarrow.array([change(value) for value in batch.column(field.name).to_pylist()], field.type)
                    if _is_text(field.type) or _is_list(field.type)
                    else batch.column(field.name)
                    for field in schema
                ]
                writer.write_batch(pyarrow.RecordBatch.from_arrays(arrays, schema=schema))
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet: {type(error).__name__}.") from None
    return stream.getvalue()


def _drop_metadata(schema: pyarrow.Schema) -> pyarrow.Schema:
    """The schema without metadata of the file and of its columns: anything may stand there."""
    import pyarrow

    return pyarrow.schema([field.remove_metadata() for field in schema])


def _choose_columns(schema: pyarrow.Schema, settings: FileSettings, source: Path) -> dict[str, str]:
    labels = choose_fields(settings.fields)
    for name in labels:
        if name not in schema.names:
            raise UnknownNameError("column", name, schema.names)
    chosen: dict[str, str] = {}
    for field in schema:
        if labels and field.name not in labels:
            continue
        if _is_text(field.type) or _is_list(field.type):
            chosen[field.name] = labels.get(field.name, "")
        elif labels or _holds_text(field.type):
            raise InputError(
                f"{source}: the column {field.name} is {field.type}; only strings and lists of strings are masked. "
                "Name the columns to mask with --field."
            )
    return chosen


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool((types.is_list(kind) or types.is_large_list(kind)) and _is_text(kind.value_type))


def _holds_text(kind: Any) -> bool:
    """True for types that may hold text: anything but numbers, booleans, dates and times."""
    from pyarrow import types

    plain = types.is_integer, types.is_floating, types.is_boolean, types.is_temporal, types.is_decimal, types.is_null
    if any(check(kind) for check in plain):
        return False
    return not (types.is_list(kind) or types.is_large_list(kind)) or _holds_text(kind.value_type)


async def _mask_batch(
    batch: pyarrow.RecordBatch,
    columns: dict[str, str],
    masker: Masker,
    settings: FileSettings,
    counts: FileCounts,
    name: str,
) -> pyarrow.RecordBatch:
    import pyarrow

    table = {column: batch.column(column).to_pylist() for column in columns}
    async for runs, row, result in mask_units(_make_units(table, columns, batch.num_rows), masker, settings):
        counts.add(runs, result)
        search_values(result.values, [*result.texts, *batch.schema.names], f"{name}, row {counts.units}")
        _put_back(table, row, result)
    arrays = [
        pyarrow.array(table[field.name], field.type) if field.name in table else batch.column(field.name)
        for field in batch.schema
    ]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=_drop_metadata(batch.schema))


def _make_units(table: dict[str, list[Any]], columns: dict[str, str], rows: int) -> Iterator[tuple[list[Run], int]]:
    for row in range(rows):
        yield [Run(text, "\n", columns[column]) for column, text in _list_texts(table, row)], row


def _list_texts(table: dict[str, list[Any]], row: int) -> Iterator[tuple[str, str]]:
    for column, values in table.items():
        value = values[row]
        for text in value if isinstance(value, list) else [value]:
            if text is not None:
                yield column, text


def _put_back(table: dict[str, list[Any]], row: int, result: MaskedRuns) -> None:
    texts = iter(result.texts)
    for values in table.values():
        value = values[row]
        if isinstance(value, list):
            values[row] = [None if one is None else next(texts) for one in value]
        elif value is not None:
            values[row] = next(texts)


def _verify(source: Path, target: Path, columns: dict[str, str]) -> None:
    """The written file has the same rows and columns, and equal values in the columns that were not masked."""
    import pyarrow.parquet

    before, after = pyarrow.parquet.ParquetFile(source), pyarrow.parquet.ParquetFile(target)
    if before.metadata.num_rows != after.metadata.num_rows or before.schema_arrow != after.schema_arrow:
        raise InputError(f"{source}: the written Parquet file did not keep its shape.")
    others = [name for name in before.schema_arrow.names if name not in columns]
    for one, other in zip(
        before.iter_batches(_ROWS, columns=others), after.iter_batches(_ROWS, columns=others), strict=True
    ):
        if not one.equals(other):
            raise InputError(f"{source}: a column changed that was not chosen.")
