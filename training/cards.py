"""What the card of a run shows: charts and tables of figures, no text of any sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def describe_run(
    record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]
) -> list[Any]:
    """Components of a Metaflow card: results, the course of training, calibration, quantisation."""
    from metaflow.cards import Markdown, Table, VegaChart

    columns = ("gold", "system", "level", "documents", "f1", "character_f2", "missed")
    table = [[_show(row[name]) for name in columns] for row in rows]
    quantisation, coreference = manifest["quantisation"], manifest["coreference"]
    sizes = [
        [name, _show(quantisation[name]["f1"]), _show(quantisation[name]["leakage"]), str(quantisation[name]["bytes"])]
        for name in ("fp32", "int8", "int8-mixed")
        if name in quantisation
    ]
    return [
        Markdown(f"# {manifest['name']}\n{record['tokens']:,} tokens, served as {manifest['precision']}"),
        Markdown("## Results"),
        Table(table, headers=list(columns)),
        Markdown("## Training"),
        VegaChart(_draw_history(record["history"])),
        Markdown("## Quantisation"),
        Table(sizes, headers=["precision", "strict F1", "not fully hidden", "bytes"]),
        Markdown(f"## Coreference\n{coreference.get('method')}: {coreference.get('conll', {})}"),
    ]


def _draw_history(history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 480,
        "height": 240,
        "data": {"values": [{"tokens": row["tokens"], "f1": row["f1"]} for row in history]},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "tokens", "type": "quantitative", "title": "tokens"},
            "y": {"field": "f1", "type": "quantitative", "title": "strict F1, validation", "scale": {"domain": [0, 1]}},
        },
    }


def _show(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
