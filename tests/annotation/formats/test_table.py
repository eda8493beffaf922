# ruff: noqa: E501, T201 (rows of data sets; a table that is printed)
"""Every outside shape in and out: rows in = samples + joined + refused, spans in = kept + left out by name + refused.

`pytest -s tests/annotation/formats/test_table.py` prints the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.formats.registry import FORMATS, export_samples
from goldspan.annotation.types import Sample
from tests.strategies import LABELS

TEXT = "Zoë 🎉 Lee met Bo in Rome. She left."
SPANS = [("Zoë", "FIRSTNAME"), ("Lee", "SURNAME"), ("Bo", "FIRSTNAME"), ("Rome", "CITY"), ("left", "MOOD")]
"""The last label is dropped by the mapping that the test gives."""

MAPPING = {"MOOD": ""}
TOKENS = TEXT.replace(".", " .").split()
TAGS = {word: f"B-{label}" for word, label in SPANS}


TOKEN_SPANS = [{"start": TOKENS.index(w), "end": TOKENS.index(w) + 1, "type": label, "name": w} for w, label in SPANS]


class Shape(NamedTuple):
    """A file: its name and content, the format that is recognised, and the annotations and spans that it states."""

    file: str
    content: Any
    format: str
    annotations: int = 1
    spans: int = len(SPANS)
    relations: int = 0


def places(unit: str = "points") -> list[tuple[int, int, str, str]]:
    def count(part: str) -> int:
        return len(part) if unit == "points" else len(part.encode("utf-16-le")) // 2

    found = [(TEXT.index(word), word, label) for word, label in SPANS]
    return [(count(TEXT[:at]), count(TEXT[: at + len(word)]), word, label) for at, word, label in found]


def objects(start: str = "start", end: str = "end", label: str = "label", value: str = "", **more: Any) -> list[Any]:
    return [
        {start: s, end: e, label: name, **({value: word} if value else {}), **more} for s, e, word, name in places()
    ]


def regions() -> list[dict[str, Any]]:
    return [
        {"id": f"r{s}", "from_name": "ner", "to_name": "txt", "type": "labels",
         "value": {"start": s, "end": e, "text": word, "labels": [label]}}
        for s, e, word, label in places()
    ]  # fmt: skip


def columns(template: str, sentences: tuple[str, ...] = ("",)) -> str:
    lines = [
        template.format(word=word, tag=TAGS.get(word, "O"), n=n, bare=TAGS.get(word, "O")[2:])
        for n, word in enumerate(TOKENS, start=1)
    ]
    return "\n".join([*lines, "", ""])


def minimal(annotator: int) -> dict[str, Any]:
    label = [{**entry, "labels": [entry["label"]]} for entry in objects(value="text")]
    return {"text": TEXT, "id": 1, "ner": label, "annotator": annotator, "annotation_id": annotator, "lead_time": 1}


RELATION = {"id": 9, "from_id": 0, "to_id": 3, "type": "bornIn"}
NUMBERED = [{**entry, "id": number} for number, entry in enumerate(objects("start_offset", "end_offset"))]
MENTIONS = [
    {"entity_type": e["label"], "start_offset": e["start"], "end_offset": e["end"], "span_text": e["value"],
     "entity_id": str(n), "identifier_type": "DIRECT"}
    for n, e in enumerate(objects(value="value"))
]  # fmt: skip
QUOTED = json.dumps(minimal(1)["ner"]).replace('"', '""')
STANDOFF = "".join(f"T{n}\t{label} {s} {e}\t{word}\n" for n, (s, e, word, label) in enumerate(places(), start=1))
CAS = [
    {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaString": TEXT},
    *({"%ID": n, "%TYPE": "d.NamedEntity", "begin": s, "end": e, "value": label}
      for n, (s, e, _, label) in enumerate(places("utf-16"), start=2)),
]  # fmt: skip
STUDIO = {
    "id": 1,
    "data": {"content": TEXT},
    "annotations": [
        {"completed_by": 1, "result": [*regions(), {"type": "relation", "from_id": "r0", "to_id": "r6", "labels": ["knows"]}]},
        {"completed_by": 2, "result": regions()},
    ],
    "predictions": [{"model_version": "m", "result": regions()}],
}  # fmt: skip


def write_tsv() -> str:
    """WebAnno's rows, one for each word; offsets count UTF-16 units."""
    lines = ["#FORMAT=WebAnno TSV 3.3", "#T_SP=d.NamedEntity|value", "", "", f"#Text={TEXT}"]
    cursor = 0
    for number, word in enumerate(TOKENS, start=1):
        at = TEXT.index(word, cursor)
        cursor = at + len(word)
        units = [len(TEXT[:place].encode("utf-16-le")) // 2 for place in (at, cursor)]
        lines.append(f"1-{number}\t{units[0]}-{units[1]}\t{word}\t{TAGS.get(word, 'O-_')[2:]}\t")
    return "\n".join([*lines, ""])


SHAPES = {
    "Label Studio JSON, two annotators": Shape("a.json", [STUDIO], "label-studio", 3, 15, 1),
    "Label Studio JSON-MIN, two annotators": Shape("a.json", [minimal(1), minimal(2)], "json-min", 2, 10),
    "Label Studio CSV": Shape("a.csv", f'text,id,ner,annotator,annotation_id\n"{TEXT}",1,"{QUOTED}",1,1\n', "table"),
    "Label Studio TSV": Shape("a.tsv", f'text\tid\tner\tannotator\tannotation_id\n"{TEXT}"\t1\t"{QUOTED}"\t1\t1\n', "table"),
    "Label Studio CoNLL": Shape("a.conll", "-DOCSTART- -X- O\n" + columns("{word} -X- _ {tag}"), "conll"),
    "Prodigy, two annotators": Shape(
        "a.jsonl", [{"text": TEXT, "_input_hash": 1, "_annotator_id": n, "answer": "accept", "spans": objects()} for n in "ab"], "prodigy", 2, 10
    ),
    "Doccano": Shape("a.jsonl", [{"id": 1, "text": TEXT, "label": [[s, e, n] for s, e, _, n in places()], "Comments": []}], "doccano"),
    "Doccano relations": Shape("a.jsonl", [{"text": TEXT, "entities": NUMBERED, "relations": [RELATION]}], "doccano", relations=1),
    "Argilla 1": Shape("a.jsonl", [{"text": TEXT, "annotation": objects(), "prediction": None, "status": "Validated"}], "argilla"),
    "Argilla 2, two annotators": Shape(
        "a.json", [{"fields": {"text": TEXT}, "responses": {"ner": [{"value": objects(), "user_id": u} for u in "ab"]}}], "argilla", 2, 10
    ),
    "spaCy tuples": Shape("a.jsonl", [[TEXT, {"entities": [[s, e, n] for s, e, _, n in places()]}]], "spacy-json"),
    "spaCy Doc.to_json": Shape("a.jsonl", [{"text": TEXT, "ents": objects(), "tokens": []}], "spacy-json"),
    "Hugging Face tokens": Shape("a.jsonl", [{"tokens": TOKENS, "ner_tags": [TAGS.get(t, "O") for t in TOKENS]}], "hf-tokens"),
    "AI4Privacy": Shape("a.jsonl", [{"source_text": TEXT, "privacy_mask": objects(value="value"), "language": "en"}], "ai4privacy"),
    "Presidio": Shape("a.json", [{"full_text": TEXT, "spans": objects("start_position", "end_position", "entity_type", "entity_value")}], "presidio"),
    "Nemotron": Shape("a.jsonl", [{"uid": "u", "document_type": "note", "text": TEXT, "spans": objects(value="text")}], "nemotron-pii"),
    "Gretel": Shape("a.jsonl", [{"text": TEXT, "entities": [{"entity": w, "types": [n]} for w, n in SPANS]}], "gretel"),
    "kiji": Shape("a.jsonl", [{"text": TEXT, "privacy_mask": [{"value": w, "label": n} for w, n in SPANS], "coreferences": [], "language": "English"}], "kiji"),
    "CoNLL-2003": Shape("a.conll", "-DOCSTART- -X- -X- O\n\n" + columns("{word} NNP B-NP {tag}"), "conll"),
    "CoNLL-2012": Shape(
        "a.conll", "#begin document (d); part 000\n" + columns("d\t0\t{n}\t{word}\t-\t-\t-\t-\t-\t-\t({bare}*)\t-").replace("(*)", "*") + "#end document\n", "conll"
    ),
    "CoNLL-U": Shape("a.conllu", columns("{n}\t{word}\t_\t_\t_\t_\t_\t_\t_\tEntity=(e{n}-x-1-)"), "conll", spans=0),
    "brat": Shape("a.ann", f"{STANDOFF}R1\tbornIn Arg1:T1 Arg2:T4\n", "brat", relations=1),
    "WebAnno TSV": Shape("a.tsv", write_tsv(), "webanno-tsv"),
    "UIMA CAS JSON": Shape("a.json", {"%FEATURE_STRUCTURES": CAS}, "uima-cas"),
    "GLiNER": Shape("a.json", [{"tokenized_text": TOKENS, "ner": [[TOKENS.index(w), TOKENS.index(w), n] for w, n in SPANS]}], "gliner"),
    "SpERT": Shape("a.json", [{"tokens": TOKENS, "entities": TOKEN_SPANS}], "token-spans"),
    "OneIE": Shape(
        "a.json", [{"sent_id": "s", "tokens": TOKENS, "sentence": TEXT, "event_mentions": [],
                    "entity_mentions": [{**span, "id": f"e{n}", "entity_type": span["type"], "text": span["name"]} for n, span in enumerate(TOKEN_SPANS)],
                    "relation_mentions": [{"relation_type": "bornIn", "arguments": [{"entity_id": "e0"}, {"entity_id": "e3"}]}]}],
        "token-spans", relations=1,
    ),
    "DocRED": Shape(
        "a.json", [{"title": "t", "sents": [TOKENS], "labels": [{"h": 0, "t": 3, "r": "P19"}],
                    "vertexSet": [[{**span, "sent_id": 0, "pos": [span["start"], span["end"]]}] for span in TOKEN_SPANS]}],
        "docred", relations=1,
    ),
    "LitBank": Shape("a.tsv", columns("{word}\t{tag}\tO\tO\tO"), "conll"),
    "TAB, two annotators": Shape("a.json", [{"text": TEXT, "annotations": {p: {"entity_mentions": MENTIONS} for p in "ab"}}], "tab", 2, 10),
}  # fmt: skip


def write(folder: Path, shape: Shape) -> Path:
    path = folder / shape.file
    if path.suffix == ".ann":
        path.with_suffix(".txt").write_text(TEXT)
    if isinstance(shape.content, str):
        path.write_text(shape.content)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in shape.content))
    else:
        path.write_text(json.dumps(shape.content))
    return path


def read(path: Path, format: str = "auto") -> tuple[list[Sample], ImportReport, list[RecordError]]:
    report, errors = ImportReport(), list[RecordError]()
    options = ImportOptions(format, language="en", labels_map=MAPPING, taxonomy="")
    return list(import_files([path], LABELS, options, errors.append, report)), report, errors


def surfaces(sample: Sample) -> list[tuple[str, str]]:
    return sorted((sample.text[e.start : e.end], e.label) for a in sample.annotations for e in a.entities)


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[list[tuple[Any, ...]]]:
    rows: list[tuple[Any, ...]] = []
    yield rows
    print("\n\nshape | read as | rows | samples | joined | refused | spans | kept | left out by name")
    for row in rows:
        print(" | ".join(map(str, row)))


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_is_lost_on_the_way_in(tmp_path: Path, name: str, table: list[tuple[Any, ...]]) -> None:
    shape = SHAPES[name]
    (sample,), report, errors = read(write(tmp_path, shape))
    left_out = sum(report.unmapped.values()) + sum(report.nested.values())
    (found,) = report.detected.values()
    rows = (report.rows, report.samples, report.joined, len(errors))
    table.append((name, found.format, *rows, shape.spans, report.spans, f"{left_out} {dict(report.unmapped)}"))
    assert found.format == shape.format
    assert report.rows == report.samples + report.joined + len(errors)
    assert len(sample.annotations) == shape.annotations
    assert shape.spans == report.spans + left_out
    assert surfaces(sample) == sorted(SPANS[:-1] * shape.annotations if shape.spans else [])
    assert len(sample.provenance.get("relations", ())) == shape.relations


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {"csv", "spacy"}])
def test_nothing_is_lost_on_the_way_out(tmp_path: Path, name: str) -> None:
    samples, _, _ = read(write(tmp_path, SHAPES["Prodigy, two annotators"]))
    target = tmp_path / f"out{FORMATS[name].suffix}"
    report = export_samples(name, target, samples, LABELS)
    (back,), _, errors = read(target)
    assert errors == []
    written = 2 if name == "label-studio" else 1
    assert (len(back.annotations), report.losses.get("other_annotations", 0)) == (written, 2 - written)
    assert surfaces(back) == sorted(SPANS[:-1] * written)
