"""Parquet, batch by batch: strings at any depth, and names of columns; numbers, dates and times are carried over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.formats.parquet import refuse_expansion
from goldspan.annotation.wording import format_count
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, choose_fields, mask_units
from goldspan.serving.documents.flow import MaskedRuns, Run, mask_runs, search_values

if TYPE_CHECKING:
    import pyarrow

_ROWS = 512


async def mask_parquet(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a Parquet file. Columns that hold bytes are refused by name; metadata is left out."""
    import pyarrow
    import pyarrow.parquet

    counts = FileCounts()
    try:
        refuse_expansion(source, source.name)
        reader = pyarrow.parquet.ParquetFile(source)
        schema = _drop_metadata(reader.schema_arrow)
        columns = _choose_columns(schema, settings, source)
        names = schema.names if settings.fields else await _mask_names(schema, masker, settings, source)
        with pyarrow.parquet.ParquetWriter(target, _rename(schema, names)) as writer:
            for batch in reader.iter_batches(_ROWS):
                masked = await _mask_batch(batch, columns, names, masker, settings, counts, source.name)
                writer.write_batch(masked)
        _verify(source, target, columns, names)
        if unread := len(schema.names) - len(columns):
            counts.notes.append(f"carried over {format_count(unread, 'column')} unread")
        if schema.metadata != reader.schema_arrow.metadata:
            counts.notes.append("left out the metadata of the file")
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{source} cannot be read as Parquet: {type(error).__name__}.") from None
    return counts


def edit_parquet(path: Path, edit: Callable[[str], str]) -> bytes:
    """The table with `edit` applied to every text."""
    import pyarrow
    import pyarrow.parquet

    stream = BytesIO()
    try:
        refuse_expansion(path, path.name)
        reader = pyarrow.parquet.ParquetFile(path)
        schema = _drop_metadata(reader.schema_arrow)
        with pyarrow.parquet.ParquetWriter(stream, schema) as writer:
            for batch in reader.iter_batches(_ROWS):
                arrays = [
                    pyarrow.array([_change(value, edit) for value in batch.column(field.name).to_pylist()], field.type)
                    if _holds_text(field.type)
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
        if _is_masked(field.type):
            chosen[field.name] = labels.get(field.name, "")
        elif labels or _holds_text(field.type):
            raise InputError(
                f"{source}: the column {field.name} is {field.type}; only strings are masked, alone or in lists, "
                "structs and maps. Name the columns to mask with --field."
            )
    return chosen


async def _mask_names(schema: pyarrow.Schema, masker: Masker, settings: FileSettings, source: Path) -> list[str]:
    parts = [part for field in schema for part in _list_parts(field.type)]
    runs = [Run(name, "\n") for name in [*schema.names, *parts]]
    result = await mask_runs(runs, masker, settings.language, settings.country)
    names = list(result.texts[: len(schema.names)])
    if len(set(names)) < len(names):
        raise InputError(f"{source}: two names of columns are equal once they are masked; rename them first.")
    if any(result.edits[len(names) :]):
        raise InputError(f"{source}: a name of a part of a struct would be masked; rename the parts first.")
    return names


def _list_parts(kind: Any) -> list[str]:
    """The names of the parts of structs, at any depth."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _list_parts(kind.value_type)
    parts = [kind.field(place) for place in range(kind.num_fields)]
    own = [part.name for part in parts] if types.is_struct(kind) else []
    return [*own, *(name for part in parts for name in _list_parts(part.type))]


def _rename(schema: pyarrow.Schema, names: Sequence[str]) -> pyarrow.Schema:
    import pyarrow

    return pyarrow.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])


def _is_masked(kind: Any) -> bool:
    """True for types that hold strings, and beside them nothing that cannot be read."""
    return _holds_text(kind) and all(_is_text(leaf) or not _holds_text(leaf) for leaf in _list_leaves(kind))


def _holds_text(kind: Any) -> bool:
    """True for types that may hold text: anything but numbers, booleans, dates and times."""
    from pyarrow import types

    plain = types.is_integer, types.is_floating, types.is_boolean, types.is_temporal, types.is_decimal, types.is_null
    return any(not any(check(leaf) for check in plain) for leaf in _list_leaves(kind))


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _list_leaves(kind: Any) -> list[Any]:
    """The types without parts that a type is made of."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _list_leaves(kind.value_type)
    if kind.num_fields == 0:
        return [kind]
    return [leaf for place in range(kind.num_fields) for leaf in _list_leaves(kind.field(place).type)]


async def _mask_batch(
    batch: pyarrow.RecordBatch,
    columns: dict[str, str],
    names: Sequence[str],
    masker: Masker,
    settings: FileSettings,
    counts: FileCounts,
    name: str,
) -> pyarrow.RecordBatch:
    import pyarrow

    table = {column: batch.column(column).to_pylist() for column in columns}
    async for runs, row, result in mask_units(_make_units(table, columns, batch.num_rows), masker, settings):
        counts.add(runs, result)
        search_values(result.values, [*result.texts, *names], f"{name}, row {counts.units}")
        _put_back(table, row, result)
    arrays = [
        pyarrow.array(table[field.name], field.type) if field.name in table else batch.column(field.name)
        for field in batch.schema
    ]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=_rename(_drop_metadata(batch.schema), names))


def _make_units(table: dict[str, list[Any]], columns: dict[str, str], rows: int) -> Iterator[tuple[list[Run], int]]:
    for row in range(rows):
        yield [Run(text, "\n", columns[column]) for column, text in _list_texts(table, row)], row


def _list_texts(table: dict[str, list[Any]], row: int) -> Iterator[tuple[str, str]]:
    for column, values in table.items():
        for text in _walk(values[row]):
            yield column, text


def _walk(value: Any) -> Iterator[str]:
    """Every text of a value, in the order in which `_change` meets them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _walk(one)


def _change(value: Any, edit: Callable[[str], str]) -> Any:
    """A value with each of its texts edited."""
    if isinstance(value, str):
        return edit(value)
    if isinstance(value, dict):
        return {name: _change(one, edit) for name, one in value.items()}
    return type(value)(_change(one, edit) for one in value) if isinstance(value, list | tuple) else value


def _put_back(table: dict[str, list[Any]], row: int, result: MaskedRuns) -> None:
    texts = iter(result.texts)
    for values in table.values():
        values[row] = _change(values[row], lambda _: next(texts))


def _verify(source: Path, target: Path, columns: dict[str, str], names: Sequence[str]) -> None:
    """The written file has the same rows and types, and equal values in the columns that were not masked."""
    import pyarrow.parquet

    before, after = pyarrow.parquet.ParquetFile(source), pyarrow.parquet.ParquetFile(target)
    same = _rename(before.schema_arrow, names).equals(after.schema_arrow, check_metadata=False)
    if before.metadata.num_rows != after.metadata.num_rows or not same:
        raise InputError(f"{source}: the written Parquet file did not keep its shape.")
    others = [place for place, name in enumerate(before.schema_arrow.names) if name not in columns]
    pairs = zip(before.iter_batches(_ROWS), after.iter_batches(_ROWS), strict=True)
    if any(not one.column(place).equals(other.column(place)) for one, other in pairs for place in others):
        raise InputError(f"{source}: a column changed that was not chosen.")
