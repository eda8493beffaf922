"""Documents of drafts under other names and in other shapes, brought into one of the two that are asked for.

{"tagged_text": "…"}
{"text": "…", "entities": [{"value": "…", "label": "…"}]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.stages.context import WrongAnswerError
from goldspan.generators.stages.tag_reader import has_label_tags

DOCUMENT_KEYS = ("document", "content", "output", "result", "answer", "response", "generated_text", "annotated_text")
"""Names under which models put a tagged text; they count only where its tags stand in it."""
_INNER_KEYS = ("tagged_text", "value", "content", "text", "const", "default", "example")
"""Names of the text where a model wraps it in an object of its own, such as a filled JSON Schema."""
_ALIASES = {
    "value": ("value", "text", "entity", "word", "span", "surface"),
    "label": ("label", "type", "entity_type", "category", "tag", "entity_group"),
}
_IN_WORDS = re.compile(r"(.+?)\s*[(\[]([A-Z][A-Z0-9_]+)[)\]]|([A-Z][A-Z0-9_]+)\s*[:=]\s*(.+)")
"""An entity in words: `Lyon (CITY)` or `CITY: Lyon`."""
_PREFIX = re.compile(r"^[BIESLU]-")
_STARTS = ("start", "start_char", "start_offset", "begin", "offset_start")
_ENDS = ("end", "end_char", "end_offset", "stop", "offset_end")


def shape_document(document: Mapping[str, Any], labels: LabelSchema, values: Mapping[str, set[str]]) -> dict[str, Any]:
    """A document in a shape that was asked for, where it is clear; else as it is.

    Args:
        document: what was read.
        labels: the label schema.
        values: values of the brief by label; offsets are believed only where each meets one of them.

    Raises:
        WrongAnswerError: offsets do not mark values of the brief.
    """
    if isinstance(inner := document.get("tagged_text"), Mapping):
        written = [inner[key] for key in _INNER_KEYS if isinstance(inner.get(key), str)]
        if len(written) == 1:
            document = {"tagged_text": written[0]}
    joined = {key: _join_lines(value) if key in {"tagged_text", "text"} else value for key, value in document.items()}
    if "tagged_text" in joined:
        return {key: value for key, value in joined.items() if key not in {"text", "entities"}}
    text = joined.get("text")
    if isinstance(text, str) and has_label_tags(text, labels):
        return {"tagged_text": text}
    if "entities" not in joined:
        return joined
    entities = [_fold_label(entry, labels) for entry in _iter_entities(joined["entities"], labels)]
    if isinstance(text, str) and any("value" not in entry for entry in entities):
        entities = [entry if "value" in entry else _read_place(entry, text, values) for entry in entities]
    return {**joined, "entities": [{k: v for k, v in one.items() if k in _ALIASES} for one in entities]}


def pick_tagged(document: Mapping[str, Any], labels: LabelSchema) -> dict[str, Any] | None:
    """The one tagged text under another name than asked for; None if there is none or more than one."""
    texts = [_join_lines(document[key]) for key in DOCUMENT_KEYS if key in document]
    tagged = [text for text in texts if isinstance(text, str) and has_label_tags(text, labels)]
    return {"tagged_text": tagged[0]} if len(tagged) == 1 else None


def _join_lines(value: Any) -> Any:
    is_lines = isinstance(value, list) and value and all(isinstance(line, str) for line in value)
    return "\n".join(value) if is_lines else value


def _iter_entities(entities: Any, labels: LabelSchema) -> Iterator[dict[str, Any]]:
    """Entities from a list of objects or pairs, or from an object by label or by value."""
    codes = labels.entity_codes
    if isinstance(entities, Mapping):
        if entities.keys() <= codes:
            for label, found in entities.items():
                for value in found if isinstance(found, list) else [found]:
                    yield {"value": value, "label": label}
        else:
            for value, label in entities.items():
                yield {"value": value, "label": label}
        return
    for entry in entities if isinstance(entities, list) else ():
        if isinstance(entry, Mapping):
            yield _name_fields(entry)
        elif isinstance(entry, list) and len(entry) == 3 and [type(part) for part in entry] == [int, int, str]:
            yield {"start": entry[0], "end": entry[1], "label": entry[2]}
        elif isinstance(entry, list) and len(entry) == 2:
            first, second = entry
            yield {"value": first, "label": second} if second in codes else {"value": second, "label": first}
        elif isinstance(entry, str) and (match := _IN_WORDS.fullmatch(entry)):
            value, label = (match[1], match[2]) if match[2] else (match[4], match[3])
            yield {"value": value, "label": label}
        else:
            yield {}


def _name_fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        name: next((entry[alias] for alias in aliases if isinstance(entry.get(alias), str)), None)
        for name, aliases in _ALIASES.items()
    }
    for name, aliases in (("start", _STARTS), ("end", _ENDS)):
        found[name] = next((entry[alias] for alias in aliases if type(entry.get(alias)) is int), None)
    if found["end"] is None and found["start"] is not None and type(entry.get("length")) is int:
        found["end"] = found["start"] + entry["length"]
    return {name: value for name, value in found.items() if value is not None}


def _fold_label(entry: Mapping[str, Any], labels: LabelSchema) -> dict[str, Any]:
    """An entity with its label as the schema has it, where `first name` or `B-CITY` names one."""
    label = entry.get("label")
    if isinstance(label, str) and label not in labels.entity_codes:
        plain = re.sub(r"[ -]", "_", _PREFIX.sub("", label.strip())).upper()
        known = next((code for code in (plain, plain.replace("_", "")) if code in labels.entity_codes), label)
        return {**entry, "label": known}
    return dict(entry)


def _read_place(entry: Mapping[str, Any], text: str, values: Mapping[str, set[str]]) -> dict[str, Any]:
    start, end, label = entry.get("start"), entry.get("end"), entry.get("label")
    if not isinstance(start, int) or not isinstance(end, int) or not isinstance(label, str):
        return dict(entry)
    value = text[start:end]
    if value not in values.get(label, ()):
        raise WrongAnswerError("The offsets do not mark values of the brief. Answer with tagged_text instead.")
    return {"value": value, "label": label}
