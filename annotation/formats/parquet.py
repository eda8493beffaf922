"""Parquet: rows of any shape in, samples with fixed types out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.class_labels import decode_row, find_features
from goldspan.annotation.formats.exports import encode_flat
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.types import Sample
from goldspan.annotation.wording import describe_error

_BATCH = 256
_SMALL, _MAX_RATIO, _LARGEST_BATCH = 64 << 20, 250, 512 << 20
"""Beyond `_SMALL` bytes, values that are so many times larger than their file are a bomb; so are such batches."""


def read_parquet_rows(path: Path, name: str = "") -> Iterator[Mapping[str, Any]]:
    """The rows of a file in its order, with the names of ClassLabel numbers; `name` is shown in errors.

    Dates, decimals and bytes in UTF-8 come as strings, other bytes, such as pictures, as None. A file of
    `save_to_disk` (`.arrow`) is read too.

    Raises:
        InputError: the file is not readable, or its cells are too large.
    """
    arrow = import_arrow()
    try:
        if path.suffix.lower() == ".arrow":
            with arrow.memory_map(str(path)) as source, arrow.ipc.open_stream(source) as stream:
                yield from _list_rows(stream, stream.schema)
            return
        refuse_expansion(path, name)
        with arrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            yield from _list_rows(file.iter_batches(batch_size=_BATCH), file.schema_arrow)
    except (arrow.ArrowException, OSError) as error:
        said, kind = describe_error(error), "Arrow" if path.suffix.lower() == ".arrow" else "Parquet"
        raise InputError(f"{name or path} is not readable {kind}: {said}. Fetch it again or report it.") from None


def _list_rows(batches: Iterable[Any], schema: Any) -> Iterator[Mapping[str, Any]]:
    try:
        features = find_features(orjson.loads((schema.metadata or {}).get(b"huggingface", b"{}")))
    except orjson.JSONDecodeError:
        features = {}
    plain = all(map(_is_plain, schema.types))
    for batch in batches:
        rows = batch.to_pylist() if plain else map(_make_plain, batch.to_pylist())
        yield from (decode_row(row, features) for row in rows) if features else rows


def _is_plain(kind: Any) -> bool:
    """True for an Arrow type whose values are those of JSON."""
    types = import_arrow().types
    if types.is_map(kind) or types.is_dictionary(kind):
        return False
    if kind.num_fields:
        return all(_is_plain(kind.field(number).type) for number in range(kind.num_fields))
    tests = (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
    return types.is_null(kind) or any(test(kind) for test in tests)


def _make_plain(value: Any) -> Any:
    match value:
        case None | str() | int() | float():
            return value
        case bytes():
            with suppress(UnicodeDecodeError):
                return value.decode()
            return None
        case dict():
            return {name: _make_plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_make_plain(part) for part in value]
    return str(value)


def refuse_expansion(path: Path, name: str = "") -> None:
    """Refuse a file whose values are far larger than itself: a dictionary holds a value once, its rows all have it.

    Raises:
        InputError: the values are too large.
        pyarrow.ArrowException: the file is not readable.
    """
    parquet = import_arrow().parquet
    with parquet.ParquetFile(path) as file:
        leaves = [file.schema.column(number) for number in range(len(file.schema))]
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        if any(group.total_byte_size > _LARGEST_BATCH * max(1, group.num_rows // _BATCH) for group in groups):
            raise InputError(f"{name or path} has values that are too large. Split its texts.")
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    total, most = 0, max(_SMALL, path.stat().st_size * _MAX_RATIO)
    with parquet.ParquetFile(path, read_dictionary=texts, pre_buffer=False, buffer_size=1 << 20) as file:
        for batch in file.iter_batches(batch_size=_BATCH):
            size = sum(_measure(column) for column in batch.columns)
            total += size
            if total > most or size > _LARGEST_BATCH:
                raise InputError(f"{name or path} unpacks to far more than its size. It was not read.")


def _measure(array: Any) -> int:
    """Bytes of the values of an array, those of a dictionary as often as they are used."""
    arrow = import_arrow()
    import pyarrow.compute as compute

    if arrow.types.is_dictionary(array.type):
        lengths = compute.binary_length(array.dictionary)
        return int(compute.sum(lengths.take(array.indices)).as_py() or 0)
    if arrow.types.is_struct(array.type):
        return sum(_measure(child) for child in array.flatten())
    if arrow.types.is_list(array.type) or arrow.types.is_large_list(array.type) or arrow.types.is_map(array.type):
        return _measure(array.flatten()) if not arrow.types.is_map(array.type) else int(array.nbytes)
    return int(array.nbytes)


def write_parquet(path: Path, samples: Iterable[Sample]) -> ExportReport:
    """Write the best annotation of each sample with fixed types and return the loss report.

    Columns are those of the flat JSONL; `provenance` is one JSON string.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    arrow = import_arrow()
    losses = LossCounter()
    schema = make_schema()
    with AtomicFile(path) as stream, arrow.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        rows: list[dict[str, Any]] = []
        for sample in samples:
            best = losses.take_best(sample)
            losses.lose_details(best)
            flat = encode_flat(sample, best, losses)
            author = flat["author"] or {"kind": "", "name": ""}
            rows.append(flat | {"author": author, "provenance": orjson.dumps(flat["provenance"]).decode()})
            if len(rows) == _BATCH:
                writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
    return losses.report()


def make_schema() -> Any:
    """The Arrow schema of `write_parquet`."""
    arrow = import_arrow()
    text, number = arrow.string(), arrow.int32()
    entity = arrow.struct([("start", number), ("end", number), ("label", text), ("value", text)])
    mention = arrow.struct([("start", number), ("end", number), ("kind", text), ("cluster", text)])
    return arrow.schema(
        [
            *((name, text) for name in ("id", "text", "language", "country", "document_type")),
            ("author", arrow.struct([("kind", text), ("name", text)])),
            ("entities", arrow.list_(entity)),
            ("mentions", arrow.list_(mention)),
            ("provenance", text),
        ]
    )


def import_arrow() -> Any:
    """The module `pyarrow`, with `pyarrow.parquet`.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ConfigurationError("pyarrow is not installed. Install it with: pip install 'goldspan[hub]'") from None
    return pyarrow
