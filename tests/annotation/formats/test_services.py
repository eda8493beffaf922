"""Exports of annotation services, texts with inline annotations, and folders of files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.formats.inline import is_inline
from goldspan.annotation.text.tagged import render_tagged
from tests.strategies import LABELS

TEXT = "Ann met Bo 🙂 in Rome."
TAGGED = "<FIRSTNAME>Ann</FIRSTNAME> met Bo 🙂 in <CITY>Rome</CITY>."
ROWS: dict[str, Mapping[str, Any]] = {
    "ground-truth": {
        "source": TEXT,
        "ner": {
            "annotations": {
                "entities": [
                    {"label": "FIRSTNAME", "startOffset": 0, "endOffset": 3},
                    {"label": "CITY", "startOffset": 16, "endOffset": 20},
                ],
                "labels": [{"label": "FIRSTNAME"}],
            }
        },
        "ner-metadata": {"type": "groundtruth/text-span", "entities": [{"confidence": 0.1}]},
    },
    "vertex": {
        "textContent": TEXT,
        "textSegmentAnnotations": [
            {"endOffset": 3, "displayName": "FIRSTNAME"},
            {"startOffset": 16, "endOffset": 20, "displayName": "CITY"},
        ],
    },
    "automl": {
        "text_snippet": {"content": TEXT},
        "annotations": [
            {"display_name": label, "text_extraction": {"text_segment": {"start_offset": start, "end_offset": end}}}
            for label, start, end in (("FIRSTNAME", 0, 3), ("CITY", 16, 20))
        ],
    },
    "labelbox": {
        "data_row": {"id": "1", "row_data": TEXT},
        "projects": {
            "p": {
                "labels": [
                    {
                        "annotations": {
                            "objects": [
                                {"name": "FIRSTNAME", "location": {"start": 0, "end": 2}},
                                {"name": "CITY", "location": {"start": 16, "end": 19}},
                            ]
                        }
                    }
                ]
            }
        },
    },
    "kili": {
        "content": TEXT,
        "externalId": "1",
        "labels": [
            {
                "jsonResponse": {
                    "NER": {
                        "annotations": [
                            {"beginOffset": 0, "content": "Ann", "categories": [{"name": "FIRSTNAME"}]},
                            {"beginOffset": 16, "content": "Rome", "categories": [{"name": "CITY"}]},
                        ]
                    }
                }
            }
        ],
    },
    "bioc": {
        "id": "1",
        "passages": [
            {
                "offset": 100,
                "text": TEXT,
                "annotations": [
                    {"infons": {"type": label}, "text": text, "locations": [{"offset": start, "length": len(text)}]}
                    for label, text, start in (("FIRSTNAME", "Ann", 100), ("CITY", "Rome", 116))
                ],
            }
        ],
    },
    "bigbio": {
        "id": "0",
        "document_id": "1",
        "passages": [
            {"id": "0a", "type": "title", "text": ["Ann met"], "offsets": [[0, 7]]},
            {"id": "0b", "type": "abstract", "text": ["Bo 🙂 in Rome."], "offsets": [[8, 21]]},
        ],
        "entities": [
            {
                "id": f"0{start}",
                "type": label,
                "text": [text],
                "offsets": [[start, start + len(text)]],
                "normalized": [],
            }
            for label, text, start in (("FIRSTNAME", "Ann", 0), ("CITY", "Rome", 16))
        ],
        "events": [],
        "coreferences": [],
        "relations": [],
    },
    "dialogflow": {
        "id": "1",
        "data": [
            {"text": "Ann", "alias": "who", "meta": "@FIRSTNAME", "userDefined": True},
            {"text": " met Bo 🙂 in ", "userDefined": False},
            {"text": "Rome", "alias": "where", "meta": "@CITY", "userDefined": True},
            {"text": ".", "alias": "rest", "meta": "@sys.ignore", "userDefined": False},
        ],
        "isTemplate": False,
        "count": 0,
        "updated": None,
    },
    "values": {"text": TEXT, "FIRSTNAME": ["Ann"], "CITY": "Rome"},
}


def read(path: Path, **options: Any) -> tuple[list[str], list[RecordError], ImportReport]:
    errors: list[RecordError] = []
    report = ImportReport()
    samples = list(import_files([path], LABELS, ImportOptions(language="en", **options), errors.append, report))
    tagged = [render_tagged(s.text, s.annotations[0].entities if s.annotations else ()) for s in samples]
    return tagged, errors, report


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_a_service_is_recognised(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROWS[name]) + "\n")
    assert read(path)[:2] == ([TAGGED], [])


@pytest.mark.parametrize("name", [name for name in ROWS if name not in {"values", "dialogflow"}])
def test_a_span_without_label_or_place_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    broken = json.dumps(ROWS[name]).replace('"CITY"', "null") + "\n" + json.dumps(ROWS[name]) + "\n"
    path.write_text(broken)
    tagged, errors, _ = read(path)
    assert tagged == [TAGGED]
    assert [error.line for error in errors] == [1]


def test_a_value_that_is_not_in_the_text_makes_its_key_metadata(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": TEXT, "CITY": "Paris"}) + "\n")
    assert read(path)[0] == [TEXT]


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        ("<FIRSTNAME>Ann</FIRSTNAME> met Bo 🙂 in <CITY>Rome</CITY>.", TAGGED),
        ('<ENAMEX TYPE="FIRSTNAME">Ann</ENAMEX> met Bo 🙂 in <ENAMEX TYPE="CITY">Rome</ENAMEX>.', TAGGED),
        ("[Ann](FIRSTNAME) met Bo 🙂 in [Rome](city).", TAGGED),
        ('[Ann](FIRSTNAME) met Bo 🙂 in [Rome]{"entity": "CITY", "value": "rome"}.', TAGGED),
        ("Ann/B-FIRSTNAME in/O New/B-CITY York/I-CITY", "<FIRSTNAME>Ann</FIRSTNAME> in <CITY>New York</CITY>"),
    ],
)
def test_inline_annotations_are_read(notation: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(notation)
    tagged, errors, report = read(path)
    assert (tagged, errors) == ([expected], [])
    assert report.detected[str(path)].format == "inline"


@pytest.mark.parametrize(
    "text",
    [
        "See [the guide](guide.md) and [this](https://x.test).",
        "<BODY>Ann</BODY> <ORDER>1</ORDER>",
        "<p>Ann met <b>Bo</b></p>",
        "and/or he/she went 3/4 of the way",
        "Use [x] or (y). [Ann] (Rome)",
        "Write <CITY> for a city.",
    ],
)
def test_other_markup_is_text(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(text)
    tagged, errors, report = read(path)
    assert (len(tagged), errors, report.detected[str(path)].format, report.spans) == (1, [], "text", 0)


def test_passages_far_apart_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    far = {"id": "1", "passages": [{"offset": 0, "text": "Ann."}, {"offset": 10**15, "text": "Bo."}]}
    path.write_text(json.dumps(far) + "\n")
    tagged, errors, _ = read(path)
    assert (tagged, len(errors)) == ([], 1)


@pytest.mark.parametrize("piece", ["x", "<A>", "[", "a/", "<AAA>", "[a](", "</CITY>", "<CITY "])
def test_long_texts_are_looked_at_in_linear_time(piece: str) -> None:
    assert not is_inline(piece * 200_000, LABELS)


def test_a_tag_that_is_not_closed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("<CITY>Rome</CITY> and <FIRSTNAME>Ann\n<CITY>Bonn</CITY>\n")
    tagged, errors, _ = read(path, format="inline", by_line=True)
    assert tagged == ["<CITY>Bonn</CITY>"]
    assert [error.line for error in errors] == [1]


def test_an_azure_project_counts_utf16(tmp_path: Path) -> None:
    document = {
        "location": "a.txt",
        "language": "en-us",
        "entities": [
            {
                "regionOffset": 0,
                "regionLength": 23,
                "labels": [
                    {"category": "FIRSTNAME", "offset": 0, "length": 3},
                    {"category": "CITY", "offset": 17, "length": 4},
                ],
            }
        ],
    }
    lost = {"location": "../b.txt"}
    (tmp_path / "project").mkdir()
    (tmp_path / "b.txt").write_text("outside")
    (tmp_path / "project" / "a.txt").write_text(TEXT)
    (tmp_path / "project" / "labels.json").write_text(
        json.dumps(
            {
                "stringIndexType": "Utf16CodeUnit",
                "metadata": {"projectKind": "CustomEntityRecognition"},
                "assets": {"documents": [document, lost]},
            }
        )
    )
    for path in (tmp_path / "project", tmp_path / "project" / "labels.json"):
        tagged, errors, _ = read(path)
        assert tagged == [TAGGED]
        assert ["beside" in error.reason for error in errors] == [True]


def test_a_comprehend_table_names_lines_of_files(tmp_path: Path) -> None:
    (tmp_path / "docs.txt").write_text(f"{TEXT}\nNobody.\n")
    (tmp_path / "annotations.csv").write_text(
        "File,Line,Begin Offset,End Offset,Type\ndocs.txt,0,0,3,FIRSTNAME\ndocs.txt,0,16,20,CITY\ngone.txt,0,0,1,CITY\n"
    )
    for path in (tmp_path, tmp_path / "annotations.csv"):
        tagged, errors, _ = read(path)
        assert tagged == [TAGGED, "Nobody."]
        assert len(errors) == 1


def test_pubtator_documents_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "7|t|Ann in Rome.\n7|a|She left.\n7\t0\t3\tAnn\tFIRSTNAME\tX\n\n8|t|Bo.\n8|a|\n8\t0\t2\tBo\tFIRSTNAME\n"
    )
    tagged, errors, _ = read(path)
    assert tagged == ["<FIRSTNAME>Ann</FIRSTNAME> in Rome. She left.", "<FIRSTNAME>Bo</FIRSTNAME>."]
    assert not errors


def test_a_pubtator_document_keeps_its_separators_that_are_no_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("7|t|Hi\u2028Ann.\r\n7|a|\x0bBo\r\n7\t3\t6\tAnn\tFIRSTNAME\r\n".encode())
    tagged, errors, _ = read(path)
    assert [*map(ascii, tagged)] == [ascii("Hi\u2028<FIRSTNAME>Ann</FIRSTNAME>. \x0bBo")]
    assert not errors


def test_a_folder_of_files_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "a.txt").write_text("Ann.")
    (tmp_path / "sub" / "b.csv").write_text("text\nBo.\n")
    (tmp_path / "c.json").write_text(json.dumps([{"text": "Cy."}]))
    (tmp_path / ".hidden" / "d.txt").write_text("Di.")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    assert sorted(read(tmp_path)[0]) == ["Ann.", "Bo.", "Cy."]


def test_a_folder_without_a_readable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match="holds no file that is read"):
        read(tmp_path)
