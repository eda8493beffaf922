"""What a comparison of predictions with gold gives: scores, counts and offsets, and no text.

On disk it is one JSON document, checked against `schemas/evaluation-result.schema.json` when written and when read.
Only the four keys of the first block are needed, so results of other programs that carry them can be compared too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

import goldspan.schemas as schemas
from goldspan.annotation.errors import RecordError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.types import Span
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.matching.match import PairKind
from goldspan.evaluation.scores.spans import Scheme

FORMAT = 1
_BULKY = {"documents", "errors", "baselines"}
"""Keys whose values grow with the data; written in one line each."""


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """One pair that is not correct: labels and offsets; `length` is that of the text, in code points."""

    sample_id: str
    kind: PairKind
    gold: Span | None
    predicted: Span | None
    length: int


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Scores of one system on one data set. Rates are 0 to 1, None where a denominator is empty; times are seconds.

    `metrics` are over all labels and `per_class_metrics` for each, at `level` under `scheme`; `schemes` holds all four.
    `outcomes` counts pairs by label and kind: by gold label, spurious ones by the label predicted.
    `documents` holds the columns of `goldspan.evaluation.scores.table.COLUMNS` and the sample ids, in one order;
    from them intervals and tests between two results are computed. `system` says what was measured: the predictor's
    settings, and the record of the fit that made it.
    """

    experiment_name: str
    model_name: str
    metrics: Mapping[str, Any]
    per_class_metrics: Mapping[str, Mapping[str, Any]]

    created_at: str = ""
    level: Level = Level.LABEL
    scheme: Scheme = Scheme.STRICT
    beta: float = 2.0
    schemes: Mapping[str, Any] = field(default_factory=dict)
    masking: Mapping[str, Any] = field(default_factory=dict)
    coreference: Mapping[str, Any] | None = None
    slices: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] | None = None
    system: Mapping[str, Any] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    documents: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    errors: Sequence[ErrorRecord] = ()

    def to_json(self) -> dict[str, Any]:
        """The document as it stands on disk."""
        content = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"format": FORMAT, **content, "errors": [_write_error(error) for error in self.errors]}

    def summarise(self) -> dict[str, Any]:
        """The document without the parts that grow with the data."""
        return {k: v for k, v in self.to_json().items() if k not in _BULKY}


def write_result(path: Path, result: EvaluationResult) -> None:
    """Check a result and write it whole.

    Raises:
        RecordError: it breaks the JSON Schema.
    """
    write_result_document(path, orjson.loads(orjson.dumps(result.to_json())))


def write_result_document(path: Path, document: Mapping[str, Any]) -> None:
    """Check the JSON of a result and write it whole.

    Raises:
        RecordError: it breaks the JSON Schema.
    """
    _check(document, str(path))
    lines = [
        b"%b: %b" % (orjson.dumps(key), orjson.dumps(value, option=0 if key in _BULKY else orjson.OPT_INDENT_2))
        for key, value in document.items()
    ]
    write_atomic(path, b"{\n" + b",\n".join(lines) + b"\n}\n")


def read_result(path: Path) -> EvaluationResult:
    """Read and check a result.

    Raises:
        RecordError: the file is missing, is not JSON or breaks the JSON Schema.
    """
    return parse_result(read_result_document(path))


def read_results(paths: Iterable[Path]) -> list[EvaluationResult]:
    """Read and check results; a folder stands for the results in it, by name.

    Raises:
        RecordError: a file is missing or not a result, or a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not files:
            raise RecordError("the folder holds no results; goldspan evaluate writes them", file=str(path))
        found += files
    return [read_result(path) for path in found]


def read_result_document(path: Path) -> dict[str, Any]:
    """The checked JSON of a result.

    Raises:
        RecordError: the file is missing, is not JSON or breaks the JSON Schema.
    """
    try:
        document: dict[str, Any] = orjson.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(f"it cannot be read: {error.strerror}", file=str(path)) from None
    except orjson.JSONDecodeError as error:
        raise RecordError(f"it is not JSON: {error}", file=str(path)) from None
    _check(document, str(path))
    return document


def parse_result(document: Mapping[str, Any]) -> EvaluationResult:
    """A result from its checked JSON."""
    known = {f.name for f in fields(EvaluationResult)}
    values = {key: value for key, value in document.items() if key in known}
    values["errors"] = tuple(_read_error(error) for error in document.get("errors", ()))
    if "level" in values:
        values["level"] = Level(values["level"])
    if "scheme" in values:
        values["scheme"] = Scheme(values["scheme"])
    return EvaluationResult(**values)


def _check(document: Any, file: str) -> None:
    for problem in schemas.validator("evaluation-result").problems(document)[:1]:
        raise RecordError(f"not an evaluation result: {problem.message}", file=file, pointer=problem.pointer)


def _write_error(error: ErrorRecord) -> dict[str, Any]:
    return asdict(error) | {side: _write_span(getattr(error, side)) for side in ("gold", "predicted")}


def _write_span(span: Span | None) -> dict[str, Any] | None:
    return span._asdict() if span else None


def _read_error(error: Mapping[str, Any]) -> ErrorRecord:
    gold, predicted = (Span(**error[side]) if error[side] else None for side in ("gold", "predicted"))
    return ErrorRecord(error["sample_id"], PairKind(error["kind"]), gold, predicted, error["length"])
