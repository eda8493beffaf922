# ruff: noqa: E501 (rows of data sets)
from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.formats.mapping import draft_mapping, read_label_map, render_draft
from goldspan.annotation.formats.rows import SHAPES
from goldspan.annotation.formats.rows.options import RowOptions
from goldspan.annotation.formats.rows.raw import RowError
from goldspan.annotation.types import Sample, Status
from tests.strategies import LABELS

ANN = "Ann Lee met Bo in Rome."


def read(path: Path, **options: Any) -> tuple[list[Sample], list[RecordError], ImportReport]:
    errors: list[RecordError] = []
    report = ImportReport()
    samples = list(import_files([path], LABELS, ImportOptions(language="en", **options), errors.append, report))
    assert report.rows == report.samples + report.joined + len(errors)
    return samples, errors, report


def read_rows(
    folder: Path, *rows: Any, name: str = "a.jsonl", **options: Any
) -> tuple[list[Sample], list[RecordError]]:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows) if name.endswith("l") else json.dumps(list(rows)))
    samples, errors, _ = read(path, **options)
    return samples, errors


def surfaces(sample: Sample, index: int = 0) -> list[tuple[str, str]]:
    return [(sample.text[e.start : e.end], e.label) for e in sample.annotations[index].entities]


NAMES = [("Ann", "FIRSTNAME"), ("Lee", "SURNAME")]
FORMS: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("doccano", {"id": 1, "text": ANN, "label": [[0, 3, "FIRSTNAME"], [4, 7, "SURNAME"]], "Comments": []}, NAMES),
    ("doccano", {"id": 1, "text": ANN, "labels": [[0, 3, "FIRSTNAME"], [4, 7, "SURNAME"]]}, NAMES),
    (
        "doccano",
        {
            "text": ANN,
            "entities": [
                {"id": 1, "label": "FIRSTNAME", "start_offset": 0, "end_offset": 3},
                {"id": 2, "label": "SURNAME", "start_offset": 4, "end_offset": 7},
            ],
            "relations": [{"id": 1, "from_id": 1, "to_id": 2, "type": "partOf"}],
        },
        NAMES,
    ),
    (
        "json-min",
        {
            "text": ANN,
            "id": 1,
            "ner": [
                {"start": 0, "end": 3, "text": "Ann", "labels": ["FIRSTNAME"]},
                {"start": 4, "end": 7, "text": "Lee", "labels": ["SURNAME"]},
            ],
            "annotator": 1,
            "annotation_id": 2,
            "lead_time": 3.2,
        },
        NAMES,
    ),
    (
        "prodigy",
        {
            "text": ANN,
            "_input_hash": 1,
            "_task_hash": 2,
            "tokens": [{"text": "Ann", "start": 0, "end": 3, "id": 0}],
            "spans": [{"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "FIRSTNAME"}],
            "answer": "accept",
        },
        NAMES[:1],
    ),
    (
        "argilla",
        {
            "text": ANN,
            "annotation": [{"label": "FIRSTNAME", "start": 0, "end": 3}],
            "prediction": None,
            "status": "Validated",
        },
        NAMES[:1],
    ),
    (
        "argilla",
        {
            "id": "1",
            "fields": {"text": ANN},
            "responses": {"ner": [{"value": [{"label": "FIRSTNAME", "start": 0, "end": 3}], "user_id": "u1"}]},
            "suggestions": {},
        },
        NAMES[:1],
    ),
    ("spacy-json", {"text": ANN, "entities": [[0, 3, "FIRSTNAME"], [4, 7, "SURNAME"]]}, NAMES),
    ("spacy-json", [ANN, {"entities": [[0, 3, "FIRSTNAME"], [4, 7, "SURNAME"]]}], NAMES),
    ("spacy-json", {"text": ANN, "ents": [{"start": 0, "end": 3, "label": "FIRSTNAME"}], "tokens": []}, NAMES[:1]),
    (
        "spacy-json",
        {
            "id": 0,
            "paragraphs": [
                {"raw": "Ann met", "sentences": [{"tokens": [{"orth": "Ann", "ner": "U-FIRSTNAME"}, {"orth": "met"}]}]}
            ],
        },
        NAMES[:1],
    ),
    ("hf-tokens", {"tokens": ["Ann", "met", "Bo"], "ner_tags": ["B-FIRSTNAME", "O", "O"]}, NAMES[:1]),
    ("gliner", {"tokenized_text": ["Ann", "met", "Bo"], "ner": [[0, 0, "FIRSTNAME"]]}, NAMES[:1]),
    (
        "ai4privacy",
        {
            "source_text": ANN,
            "privacy_mask": [{"value": "Ann", "start": 0, "end": 3, "label": "FIRSTNAME"}],
            "language": "en",
        },
        NAMES[:1],
    ),
    (
        "ai4privacy",
        {
            "source_text": ANN,
            "privacy_mask": "[{'value': 'Ann', 'start': 0, 'end': 3, 'label': 'FIRSTNAME'}\n {'value': 'Lee', 'start': 4, 'end': 7, 'label': 'LASTNAME'}]",
            "language": "English",
        },
        NAMES,
    ),
    (
        "presidio",
        {
            "full_text": ANN,
            "masked": "",
            "spans": [
                {"entity_type": "FIRSTNAME", "entity_value": "Ann", "start_position": 0, "end_position": 3},
                {"entity_type": "PERSON", "entity_value": "Lee", "start_position": 4, "end_position": 7},
            ],
            "template_id": 1,
        },
        NAMES[:1],
    ),
    (
        "nemotron-pii",
        {
            "uid": "a",
            "document_type": "note",
            "locale": "us",
            "text": ANN,
            "spans": "[{'start': 0, 'end': 3, 'text': 'Ann', 'label': 'first_name'}]",
        },
        NAMES[:1],
    ),
    ("gretel", {"text": ANN, "entities": "[{'entity': 'Ann', 'types': ['first_name']}]"}, NAMES[:1]),
    (
        "tab",
        {
            "doc_id": "d",
            "text": ANN,
            "annotations": {
                "annotator1": {
                    "entity_mentions": [
                        {
                            "entity_type": "FIRSTNAME",
                            "start_offset": 0,
                            "end_offset": 3,
                            "entity_id": "e",
                            "span_text": "Ann",
                        }
                    ]
                }
            },
        },
        NAMES[:1],
    ),
    (
        "label-studio",
        {
            "id": 6,
            "data": {"content": ANN},
            "annotations": [
                {
                    "completed_by": 1,
                    "result": [
                        {
                            "id": "a",
                            "from_name": "ner",
                            "to_name": "txt",
                            "type": "labels",
                            "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["FIRSTNAME"]},
                        },
                        {"id": "b", "from_name": "c", "to_name": "txt", "type": "choices", "value": {"choices": ["x"]}},
                    ],
                }
            ],
        },
        NAMES[:1],
    ),
    (
        "uima-cas",
        {
            "%FEATURE_STRUCTURES": [
                {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaString": ANN},
                {"%ID": 2, "%TYPE": "custom.NamedEntity", "begin": 0, "end": 3, "value": "FIRSTNAME"},
                {"%ID": 3, "%TYPE": "type.Token", "begin": 0, "end": 3},
            ]
        },
        NAMES[:1],
    ),
    (
        "spans",
        {"text": ANN, "annotation": [{"label": ["FIRSTNAME"], "points": [{"start": 0, "end": 2, "text": "Ann"}]}]},
        NAMES[:1],
    ),
    ("spans", {"text": ANN, "x": [{"start": 0, "end": 3, "entity": "FIRSTNAME", "value": "Ann"}]}, NAMES[:1]),
    ("spans", {"text": ANN, "x": [{"entity_group": "FIRSTNAME", "word": "Ann", "start": 0, "end": 3}]}, NAMES[:1]),
    ("spans", {"text": ANN, "spans": {"FIRSTNAME": [[0, 3]], "SURNAME": [[4, 7]]}}, NAMES),
    ("spans", {"text": ANN, "nested": {"spans": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]}}, NAMES[:1]),
    ("spans", {"text": ANN, "my_spans": [{"begin": 0, "end": 3, "tag": "FIRSTNAME"}]}, NAMES[:1]),
    ("goldspan", {"text": ANN, "entities": [{"value": "Lee", "label": "SURNAME"}]}, NAMES[1:]),
    ("goldspan", {"tagged_text": "<FIRSTNAME>Ann</FIRSTNAME> Lee"}, NAMES[:1]),
]


@pytest.mark.parametrize(("name", "row", "expected"), FORMS, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(FORMS)])
def test_every_shape_is_recognised_and_read(
    tmp_path: Path, name: str, row: Any, expected: list[tuple[str, str]]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (sample,), errors, report = read(path)
    assert errors == []
    assert report.detected[str(path)].format == name
    assert surfaces(sample) == expected


def test_what_looks_like_annotations_is_refused_never_carried_along(tmp_path: Path) -> None:
    rows = [
        {"text": ANN, "spans": [[0, 3, "FIRSTNAME"]], "gold": [[4, 7, "SURNAME"]]},
        {"tagged_text": "<FIRSTNAME>Ann</FIRSTNAME> Lee", "extra": [{"start": 4, "end": 7, "label": "SURNAME"}]},
        {"text": ANN, "meta": {"deep": {"marks": "[[0, 3], [4, 7]]"}}},
        {"text": ANN + "!", "tags": ["B-FIRSTNAME", "O"]},
        {"text": ANN + "?", "bio": "B-FIRSTNAME B-SURNAME O"},
        {"text": ANN + ".", "spans": [{"start": 0, "end": 3}]},
        {"text": ANN + ":", "spans": "oops"},
    ]
    samples, errors = read_rows(tmp_path, *rows)
    assert samples == []
    assert all("annotations" in error.reason or "spans" in error.reason for error in errors)
    assert [error.line for error in errors] == [1, 2, 3, 4, 5, 6, 7]


def test_harmless_fields_are_carried_along(tmp_path: Path) -> None:
    row = {"text": ANN, "ticket": "T-1", "tags": ["a", "b"], "box": [100, 200], "score": 0.5}
    (sample,), errors = read_rows(tmp_path, row)
    assert errors == []
    assert sample.provenance["fields"] == {"ticket": "T-1", "tags": ["a", "b"], "box": [100, 200], "score": 0.5}


def test_rejected_and_ignored_answers_are_not_gold(tmp_path: Path) -> None:
    row = {"_input_hash": 1, "spans": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]}
    rows = [{**row, "text": f"Ann {n}", "answer": answer} for n, answer in enumerate(("accept", "reject", "ignore"))]
    samples, _ = read_rows(tmp_path, *rows)
    assert [s.annotations[0].status for s in samples] == [Status.SUBMITTED, Status.CANCELLED, Status.CANCELLED]
    assert [s.provenance.get("answer") for s in samples] == [None, "reject", "ignore"]
    assert [bool(s.best) for s in samples] == [True, False, False]


def test_several_annotators_stay_apart(tmp_path: Path) -> None:
    value = [{"label": "FIRSTNAME", "start": 0, "end": 3}]
    responses = [{"value": value, "user_id": "u1"}, {"value": [], "user_id": "u2"}]
    row = {
        "fields": {"text": ANN},
        "responses": {"ner": responses},
        "suggestions": {"ner": {"value": value, "agent": "m"}},
    }
    (sample,), _ = read_rows(tmp_path, row)
    assert [(a.author.kind, a.author.name, len(a.entities)) for a in sample.annotations] == [
        ("model", "m", 1),
        ("person", "u1", 1),
        ("person", "u2", 0),
    ]


def test_relations_keep_their_meaning(tmp_path: Path) -> None:
    spans = [
        {"id": 1, "label": "FIRSTNAME", "start_offset": 0, "end_offset": 3},
        {"id": 2, "label": "FIRSTNAME", "start_offset": 12, "end_offset": 14},
        {"id": 3, "label": "CITY", "start_offset": 18, "end_offset": 22},
    ]
    relations = [{"from_id": 1, "to_id": 2, "type": "coreference"}, {"from_id": 1, "to_id": 3, "type": "livesIn"}]
    (sample,), _ = read_rows(tmp_path, {"text": ANN, "entities": spans, "relations": relations})
    (cluster,) = sample.annotations[0].clusters.values()
    assert [sample.text[m.start : m.end] for m in cluster] == ["Ann", "Bo"]
    assert sample.provenance["relations"] == [{"from": (0, 3), "to": (18, 22), "label": "livesIn"}]


def test_results_that_are_no_spans_are_kept(tmp_path: Path) -> None:
    row = FORMS[[name for name, _, _ in FORMS].index("label-studio")][1]
    (sample,), _ = read_rows(tmp_path, row, name="a.json")
    (kept,) = sample.provenance["fields"]["other_results"]
    assert (kept["author"], kept["type"], kept["value"]) == ("1", "choices", {"choices": ["x"]})


def test_classlabel_numbers_need_their_names(tmp_path: Path) -> None:
    row = {"tokens": ["Ann", "met"], "ner_tags": [1, 0]}
    samples, errors = read_rows(tmp_path, row)
    assert samples == []
    assert "--tag-names" in errors[0].reason
    (sample,), _ = read_rows(tmp_path, row, tag_names=("O", "B-FIRSTNAME"))
    assert surfaces(sample) == NAMES[:1]


def test_labels_are_mapped_by_pairs_taxonomy_and_form(tmp_path: Path) -> None:
    row = {"text": ANN, "label": [[0, 3, "given name"], [4, 7, "LASTNAME"], [18, 22, "city"]]}
    samples, errors = read_rows(tmp_path, row)
    assert samples == []
    assert "given name" in errors[0].reason
    (sample,), errors = read_rows(tmp_path, row, labels_map={"given name": "FIRSTNAME", "LASTNAME": ""})
    assert surfaces(sample) == [("Ann", "FIRSTNAME"), ("Rome", "CITY")]
    assert sample.provenance["unmapped"] == {"LASTNAME": 1}
    (sample,), _ = read_rows(tmp_path, {"text": ANN, "label": [[0, 3, "first_name"], [4, 7, "last_name"]]})
    assert surfaces(sample) == NAMES


def test_a_draft_mapping_can_be_read_back(tmp_path: Path) -> None:
    draft = draft_mapping(["GIVENNAME", "Blood"], LABELS)
    assert draft == {"GIVENNAME": "FIRSTNAME", "Blood": ""}
    file = tmp_path / "m.toml"
    file.write_text(render_draft(draft))
    assert read_label_map([str(file), "Blood=", "a=b=CITY"], LABELS) == {**draft, "a=b": "CITY"}


def test_an_id_with_two_texts_and_a_text_with_two_ids_are_refused(tmp_path: Path) -> None:
    samples, errors = read_rows(
        tmp_path,
        {"sample_id": "1", "text": "Ann lives"},
        {"sample_id": "1", "text": "Bob lives"},
        {"sample_id": "2", "text": "Ann lives"},
        {"sample_id": "1", "text": "Ann lives"},
    )
    assert len(samples) == 1
    assert ["another text" in errors[0].reason, "another sample_id" in errors[1].reason] == [True, True]
    assert "duplicate text" in errors[2].reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.txt", "a.conll"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str, name: str) -> None:
    content = {
        "a.jsonl": '{"text": "Zoë from Köln"}\n',
        "a.csv": "text\nZoë from Köln\n",
        "a.txt": "Zoë from Köln",
        "a.conll": "Zoë B-FIRSTNAME\nfrom O\nKöln B-CITY\n",
    }[name]
    (tmp_path / name).write_bytes(content.encode(encoding))
    (sample,), errors, _ = read(tmp_path / name)
    assert (sample.text, errors) == ("Zoë from Köln", [])


def test_latin_1_is_named_and_read_when_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text":"Zoë lives"}\n{"text":"Ann"}\n'.encode("latin-1"))
    samples, errors, _ = read(path)
    assert [sample.text for sample in samples] == ["Ann"]
    assert "not UTF-8 (byte 11)" in errors[0].reason
    assert [sample.text for sample in read(path, encoding="latin-1")[0]] == ["Zoë lives", "Ann"]


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nid;text;language\n1;Ann, Lee;en\n",
        "ID| Text |Language\n1|Ann, Lee|en\n",
        'id,TEXT\n1,"Ann, Lee"\n',
        "id\ttext\tscore\n1\tAnn, Lee\tnan\n",
    ],
)
def test_tables_of_spreadsheets(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    (sample,), errors, _ = read(tmp_path / "a.csv")
    assert (sample.text, sample.provenance["fields"]["id" if "ID|" not in content else "ID"], errors) == (
        "Ann, Lee",
        "1",
        [],
    )


def test_a_label_studio_csv_export_keeps_its_spans(tmp_path: Path) -> None:
    label = json.dumps([{"start": 0, "end": 3, "text": "Ann", "labels": ["FIRSTNAME"]}]).replace('"', '""')
    (tmp_path / "a.csv").write_text(f'text,id,label,annotator,annotation_id\n{ANN},1,"{label}",1,2\n')
    (sample,), errors, _ = read(tmp_path / "a.csv")
    assert (surfaces(sample), errors) == (NAMES[:1], [])


def test_a_bad_line_never_ends_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{broken\n[1]\n{"text": "b", "score": NaN}\n"x"\n{"text": "c"}\n')
    samples, errors, _ = read(path)
    assert [sample.text for sample in samples] == ["a", "b", "c"]
    assert [error.line for error in errors] == [2, 3, 5]
    assert samples[1].provenance["fields"] == {"score": None}


def test_depth_is_limited_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "x": ' + "[" * 900 + "]" * 900 + '}\n{"text": "b"}\n')
    samples, errors, _ = read(path)
    assert [sample.text for sample in samples] == ["b"]
    assert "deep" in errors[0].reason


@given(
    st.sampled_from(SHAPES),
    st.dictionaries(
        st.sampled_from(["text", "spans", "label", "tokens", "ner_tags", "ner", "annotations", "entities", "data"]),
        st.recursive(
            st.none() | st.integers(-2, 9) | st.text("ab BI-O", max_size=4),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start", "label"]), inner),
            max_leaves=6,
        ),
    ),
)
def test_any_row_is_read_or_refused(shape: Any, row: dict[str, Any]) -> None:
    assert 0.0 <= shape.score(row) <= 1.0
    with suppress(RowError):
        assert isinstance(shape.read_row(row, RowOptions(LABELS)).text, str)


@pytest.mark.parametrize("unit", ["code points", "utf-16-le", "utf-8"])
def test_offsets_in_other_units_are_recognised_by_their_values(tmp_path: Path, unit: str) -> None:
    text = "👩‍💻 Zoë met Ann"
    width = 2 if unit == "utf-16-le" else 1

    def count(part: str) -> int:
        return len(part) if unit == "code points" else len(part.encode(unit)) // width

    spans = [
        {"start": count(text[:at]), "end": count(text[: at + 3]), "text": text[at : at + 3], "label": "FIRSTNAME"}
        for at in (text.index("Zoë"), text.index("Ann"))
    ]
    (sample,), errors = read_rows(tmp_path, {"text": text, "spans": spans})
    assert (surfaces(sample), errors) == ([("Zoë", "FIRSTNAME"), ("Ann", "FIRSTNAME")], [])


@pytest.mark.parametrize(
    "wrap", [lambda rows: {"data": rows}, lambda rows: {"version": "1", "examples": rows}, lambda rows: rows]
)
def test_an_object_around_the_rows_is_looked_through(tmp_path: Path, wrap: Any) -> None:
    rows = [{"text": ANN, "label": [[0, 3, "FIRSTNAME"]]}, {"text": "Bo left", "label": [[0, 2, "FIRSTNAME"]]}]
    (tmp_path / "a.json").write_text(json.dumps(wrap(rows)))
    samples, errors, _ = read(tmp_path / "a.json")
    assert ([surfaces(sample) for sample in samples], errors) == ([NAMES[:1], [("Bo", "FIRSTNAME")]], [])


def test_class_names_beside_the_file_are_found(tmp_path: Path) -> None:
    info = {"default": {"features": {"ner_tags": {"feature": {"names": ["O", "B-FIRSTNAME"], "_type": "ClassLabel"}}}}}
    (tmp_path / "dataset_infos.json").write_text(json.dumps(info))
    (sample,), errors = read_rows(tmp_path, {"tokens": ["Ann", "met"], "ner_tags": [1, 0]})
    assert (surfaces(sample), errors) == (NAMES[:1], [])


def test_a_docbin_of_others_is_mapped(tmp_path: Path) -> None:
    import spacy
    from spacy.tokens import DocBin

    doc = spacy.blank("en")(ANN)
    doc.ents = [doc.char_span(0, 7, label="PER"), doc.char_span(18, 22, label="CITY")]
    (tmp_path / "a.spacy").write_bytes(DocBin(docs=[doc]).to_bytes())
    (sample,), errors, _ = read(tmp_path / "a.spacy", labels_map={"PER": ""})
    assert (surfaces(sample), errors) == ([("Rome", "CITY")], [])
    assert read(tmp_path / "a.spacy")[0] == []


def test_a_row_of_another_shape_is_read_as_its_own(tmp_path: Path) -> None:
    rows = [
        {"text": "none", "label": []},
        {"text": ANN, "label": [[0, 3, "FIRSTNAME"]]},
        {"text": "Bo", "label": "spam"},
    ]
    samples, errors = read_rows(tmp_path, *rows)
    assert ([len(s.annotations and s.annotations[0].entities) for s in samples], errors) == ([0, 1, 0], [])
    assert samples[2].provenance["fields"] == {"label": "spam"}


def test_a_project_with_our_controls_and_other_labels_is_mapped(tmp_path: Path) -> None:
    region = {"id": "a", "from_name": "label", "to_name": "text", "type": "labels"}
    value = {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}
    task = {
        "id": 1,
        "data": {"text": ANN},
        "annotations": [{"completed_by": 1, "result": [{**region, "value": value}]}],
    }
    (sample,), errors = read_rows(tmp_path, task, labels_map={"PER": "FIRSTNAME"}, name="a.json")
    assert (surfaces(sample), errors) == (NAMES[:1], [])
