"""Parquet files whose columns hold more than JSON does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldspan.annotation.formats.importing import ImportOptions, import_files
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.types import Sample
from tests.strategies import LABELS

TEXT = "Ann ran."
SPANS = [{"start": 0, "end": 3, "label": "FIRSTNAME"}]


def pass_through(folder: Path, **columns: Any) -> Sample:
    """The sample of a file, as it is read from the file that the import writes."""
    pq.write_table(pa.table({name: [value] for name, value in columns.items()}), folder / "a.parquet")
    write_samples(
        folder / "out.jsonl", import_files([folder / "a.parquet"], LABELS, ImportOptions("parquet", "en")), LABELS
    )
    (sample,) = read_samples(folder / "out.jsonl", LABELS)
    return sample


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"\x89PNG\xff", None),
        ({"bytes": b"\x89PNG", "path": "a.png"}, {"bytes": None, "path": "a.png"}),
        (b"readable", "readable"),
        (Decimal("1.50"), "1.50"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (timedelta(seconds=90), "0:01:30"),
        (float("nan"), None),
    ],
)
def test_values_that_json_lacks_end_no_import(tmp_path: Path, value: Any, kept: Any) -> None:
    sample = pass_through(tmp_path, text=TEXT, spans=SPANS, other=value)
    assert [entity.span for entity in sample.annotations[0].entities] == [(0, 3, "FIRSTNAME")]
    assert sample.provenance["fields"]["other"] == kept


def test_texts_and_spans_in_bytes_are_read(tmp_path: Path) -> None:
    sample = pass_through(tmp_path, text=TEXT.encode(), spans=b'[[0, 3, "FIRSTNAME"]]')
    assert (sample.text, len(sample.annotations[0].entities)) == (TEXT, 1)
