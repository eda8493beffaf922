"""Heatmaps: rows keep their height, and numbers stand only where there is room for them."""

from __future__ import annotations

import polars as pl
import pytest

from goldspan.dashboards.charts import build_heatmap


def make_cells(columns: int, rows: int, count: int = 7) -> pl.DataFrame:
    cells = [(f"{'long name ' * 6}{x}", f"row {y}", count) for x in range(columns) for y in range(rows)]
    return pl.DataFrame(cells, schema=["x", "y", "count"], orient="row")


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (12, 40), (300, 5)])
def test_each_row_of_a_heatmap_has_its_own_height(columns: int, rows: int) -> None:
    chart = build_heatmap(make_cells(columns, rows), "x", "y", "count").to_dict()
    assert chart["height"] == {"step": 22}


@pytest.mark.parametrize(
    ("columns", "count", "numbers"),
    [(10, 7, True), (10, 123_456, True), (40, 7, True), (40, 1234, False), (200, 7, False)],
)
def test_numbers_are_left_out_where_columns_are_narrow_and_tooltips_stay(
    columns: int, count: int, numbers: bool
) -> None:
    chart = build_heatmap(make_cells(columns, 3, count), "x", "y", "count").to_dict()
    marks = [layer["mark"]["type"] for layer in chart.get("layer", [chart])]
    assert marks == (["rect", "text"] if numbers else ["rect"])
    first = chart["layer"][0] if numbers else chart
    assert [tip["field"] for tip in first["encoding"]["tooltip"]] == ["x", "y", "count"]
    overlap = first["encoding"]["x"]["axis"]["labelOverlap"]
    assert overlap == ("parity" if columns == 200 else False)


def test_an_empty_heatmap_can_be_built() -> None:
    assert build_heatmap(make_cells(0, 0).cast(pl.String), "x", "y", "count").to_dict()
