"""No cell of a CSV file runs in a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from goldspan.annotation.formats.csv_spans import write_csv
from goldspan.annotation.formats.formulas import guard_formula
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample

FORMULAS = (
    "=1+1",
    "+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u00a0@x",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
)


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert guard_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "1+1", "a=b", "'=1", "Müller-Lüdenscheidt", "\u2013", "x@y.test", " plain"])
def test_other_cells_stay(cell: str) -> None:
    assert guard_formula(cell) == cell


def test_every_text_of_the_export_is_guarded(tmp_path: Path) -> None:
    formula = "=cmd|'/C calc'!A0"
    spans = (Entity(0, len(formula), formula, id="e"),), (Mention(0, len(formula), formula, cluster=formula, id="m"),)
    annotation = Annotation(Author.model(formula), *spans)
    write_csv(tmp_path / "spans.csv", [Sample(formula, formula, annotations=(annotation,), sample_id=formula)])
    with (tmp_path / "spans.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    texts = ("sample_id", "language", "label", "value", "author")
    assert {row[name] for row in rows for name in texts} == {f"'{formula}"}
    assert rows[1]["cluster"] == f"'{formula}"
    assert (rows[0]["start"], rows[0]["end"]) == ("0", str(len(formula)))
