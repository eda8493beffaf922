"""Training phrases of Dialogflow: the parts of a text, some of them values of an entity type.

ES exports a file of phrases for each intent and language (`<intent>_usersays_<language>.json`), whose parts name their
type as `meta`; parts of the API's `trainingPhrases` name it as `entityType`, those of CX only the parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldspan.annotation.formats.rows.options import RowOptions, make_row
from goldspan.annotation.formats.rows.raw import Code, RawAnnotation, RawRow, RawSpan, RowError, read_string

_TYPES = ("meta", "entityType", "parameterId")
_MARKS = frozenset({"isTemplate", "repeatCount", "userDefined", *_TYPES})
_IGNORED = "@sys.ignore"


def score_dialogflow(row: Mapping[str, Any]) -> float:
    """Sureness (0 to 1) that a row is a training phrase."""
    parts = _list_parts(row)
    if not parts or not all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in parts):
        return 0.0
    return 0.97 if _MARKS & row.keys() or any(_MARKS & part.keys() for part in parts) else 0.0


def read_dialogflow(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A phrase. The label of a part is its entity type, else its parameter.

    Raises:
        RowError: the phrase is a template, which names types in place of values.
    """
    if row.get("isTemplate") or row.get("type") == "TEMPLATE":
        raise RowError(Code.NO_TEXT, "a template; Dialogflow has replaced them by examples")
    text = ""
    spans = []
    for part in _list_parts(row):
        start, text = len(text), text + part["text"]
        kind = read_string(part, *_TYPES)
        if kind and kind != _IGNORED:
            spans.append(RawSpan((kind.removeprefix("@"),), start, len(text)))
    fields = {"language": read_string(row, "lang", "languageCode")}
    return make_row(row, text, (RawAnnotation(tuple(spans)),), fields)


def _list_parts(row: Mapping[str, Any]) -> list[Any]:
    parts = row.get("data") or row.get("parts")
    return parts if isinstance(parts, list) else []
