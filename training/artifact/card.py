"""The model card: a README for people and the Hub, computed from what was measured; it holds no text of any sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from goldspan.predictors.model.calibration import Calibration

_ADVICE = (
    "A model misses personal data, always. Mask with a policy that fails closed, join the model with the patterns "
    "(`regex+<model directory>`), choose an operating point by the recall you need, and check what it does on your own "
    "texts before you rely on it."
)


def write_card(manifest: Mapping[str, Any], calibration: Calibration, rows: Sequence[Mapping[str, Any]]) -> str:
    """The card in Markdown with the Hub's metadata on top.

    Args:
        manifest: the manifest of the model directory, files not yet listed.
        calibration: of the served graph.
        rows: evaluations (`training.artifact.measure.SystemScores.to_json`); may be empty.
    """
    training, encoder, bundle = manifest["training"], manifest["encoder"], manifest["bundle"]
    supports: Mapping[str, int] = training.get("labels", {})
    languages = sorted(filter(None, training.get("languages", {})))
    parts = [
        "---",
        "library_name: transformers",
        "pipeline_tag: token-classification",
        *(["language:", *(f'- "{language}"' for language in languages)] if languages else []),
        "tags:",
        "- pii",
        "- ner",
        "- goldspan",
        "---",
        "",
        f"# {manifest['name']}",
        "",
        f"Finds {len(manifest['label_schema']['labels'])} kinds of personal data. Trained with Goldspan "
        f"{manifest['goldspan']} on the bundle {bundle['name']} (data {bundle['data'][:12]}), seed {training['seed']}, "
        f"{training['tokens']:,} tokens. Served as {manifest['precision']}.",
        "",
        f"Encoder: {encoder['name']} ({encoder['licence']}, {encoder['source']}).",
        *_list_attribution(encoder.get("attribution", {})),
        "",
        "## Results",
        "",
        *_tabulate(
            ("data", "system", "level", "documents", "strict F1", "95 % interval", "character F2", "not fully hidden"),
            (_show_row(row) for row in rows),
        ),
        "",
        "## Labels",
        "",
        *_tabulate(
            ("label", "entities in training"),
            ((label, str(supports.get(label, 0))) for label in manifest["label_schema"]["labels"]),
        ),
        "",
        "## Calibration",
        "",
        f"Temperature {calibration.temperature:g}; expected calibration error {_show(calibration.error_before)} "
        f"before, {_show(calibration.error_after)} after. Operating points on the validation split "
        "(recall: entities hidden whole):",
        "",
        *_tabulate(
            ("recall wanted", "bias", "precision", "recall", "strict F1"),
            (
                (f"{p.recall_wanted:g}", f"{p.bias:g}", _show(p.precision), _show(p.recall), _show(p.f1))
                for p in calibration.points
            ),
        ),
        *(["", "No operating point was reached."] if not calibration.points else []),
        "",
        "## Sensitivities",
        "",
        "A threshold on the probability of each token's decoded label, as some apps offer it, on the validation split:",
        "",
        *_tabulate(
            ("sensitivity", "threshold", "precision", "recall", "not fully hidden"),
            (
                (name, *(f"{value[key]:g}" for key in ("threshold", "precision", "recall", "leakage")))
                for name, value in manifest["metrics"].get("sensitivities", {}).items()
            ),
        ),
        "",
        "## Quantisation",
        "",
        *_describe_quantisation(manifest["quantisation"]),
        "",
        "## Coreference",
        "",
        _describe_coreference(manifest["coreference"]),
        "",
        "## Limits",
        "",
        _ADVICE,
        "",
    ]
    return "\n".join(parts)


def _list_attribution(attribution: Mapping[str, str]) -> list[str]:
    return [f"- {name}: {value}" for name, value in attribution.items()]


def _show_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    interval = row["f1_interval"]
    measured = [_show(row[name] if row["entities"] else None) for name in ("f1", "character_f2", "missed")]
    return (
        row["gold"],
        row["system"],
        row["level"],
        str(row["documents"]),
        measured[0],
        f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "",
        *measured[1:],
    )


def _describe_quantisation(report: Mapping[str, Any]) -> list[str]:
    lines = [
        f"- {name}: strict F1 {_show(report[name]['f1'])}, not fully hidden {_show(report[name]['leakage'])}, "
        f"{report[name]['bytes'] / 1e6:.1f} MB"
        for name in ("fp32", "int8", "int8-mixed")
        if name in report
    ]
    lines += [
        f"- {t['precision']} was refused: {'; '.join(t['faults'])}" for t in report.get("tried", ()) if t["faults"]
    ]
    return [*lines, f"- chosen: {report.get('chosen', 'fp32')}"]


def _describe_coreference(report: Mapping[str, Any]) -> str:
    scores = ", ".join(f"{name} {_show(value)}" for name, value in report.get("conll", {}).items())
    reason = f" ({report['reason']})" if report.get("reason") else ""
    return f"Mentions are resolved by: {report['method']}{reason}." + (
        f" CoNLL F1 on gold mentions: {scores}." if scores else ""
    )


def _tabulate(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(columns)} |",
        f"|{'|'.join('---' for _ in columns)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
