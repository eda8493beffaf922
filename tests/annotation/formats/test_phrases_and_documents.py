"""Dialogflow's phrases and BigBIO's documents as their exports hold them; and tools whose exports are not read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.text.tagged import render_tagged
from goldspan.annotation.types import Sample
from tests.strategies import LABELS


def read(path: Path) -> tuple[list[Sample], list[RecordError], ImportReport]:
    errors: list[RecordError] = []
    report = ImportReport()
    samples = list(import_files([path], LABELS, ImportOptions(language="en"), errors.append, report))
    return samples, errors, report


def tag(sample: Sample) -> str:
    return render_tagged(sample.text, sample.annotations[0].entities)


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def make_entity(name: str, label: str, start: int, *texts: str, **fields: Any) -> dict[str, Any]:
    places, at = [], start
    for text in texts:
        places.append([at, at + len(text)])
        at += len(text) + 1
    return {"id": name, "type": label, "text": list(texts), "offsets": places, "normalized": [], **fields}


DOCUMENT = {
    "id": "12",
    "document_id": "227508",
    "passages": [
        {"id": "13", "type": "title", "text": ["Ann lives in Rome."], "offsets": [[0, 18]]},
        {"id": "14", "type": "abstract", "text": ["She left it."], "offsets": [[20, 32]]},
    ],
    "entities": [
        make_entity("T1", "FIRSTNAME", 0, "Ann"),
        make_entity("T2", "CITY", 13, "Rome", normalized=[{"db_name": "Wikidata", "db_id": "Q220"}]),
        make_entity("T3", "PRONOUN", 20, "She"),
    ],
    "events": [{"id": "E1", "type": "Move", "trigger": {"text": ["left"], "offsets": [[24, 28]]}, "arguments": []}],
    "coreferences": [{"id": "C1", "entity_ids": ["T1", "T3"]}],
    "relations": [{"id": "R1", "type": "lives_in", "arg1_id": "T1", "arg2_id": "T2", "normalized": []}],
}


@pytest.mark.parametrize(
    ("places", "surfaces", "read"),
    [
        ([[0, 3], [4, 7]], ["Ann", "Lee"], (0, 7)),
        ([[0, 3], [8, 11]], ["Ann", "met"], None),
        ([[0, 3], [4, 7]], ["Ann", "Bo"], None),
        ([[0, 3], [4, 7]], ["Ann Lee"], None),
    ],
)
def test_an_entity_of_bigbio_in_parts_is_read_if_only_blanks_lie_between(
    tmp_path: Path, places: list[list[int]], surfaces: list[str], read: tuple[int, int] | None
) -> None:
    passages = [{"id": "p", "type": "t", "text": ["Ann Lee met Bo."], "offsets": [[0, 15]]}]
    entity = {"id": "e", "type": "FIRSTNAME", "text": surfaces, "offsets": places, "normalized": []}
    row = {"document_id": "d", "passages": passages, "entities": [entity]}
    (tmp_path / "a.json").write_text(json.dumps([row]))
    errors: list[RecordError] = []
    samples = list(import_files([tmp_path / "a.json"], LABELS, ImportOptions(language="en"), errors.append))
    found = [(entity.start, entity.end) for sample in samples for entity in sample.annotations[0].entities]
    assert found == ([read] if read else [])
    assert len(errors) == (read is None)


def test_a_document_of_bigbio_has_its_clusters_relations_and_links(tmp_path: Path) -> None:
    [sample], errors, report = read(write(tmp_path / "a.json", [DOCUMENT]))
    assert errors == []
    assert report.detected[str(tmp_path / "a.json")].format == "bigbio"
    assert tag(sample) == "<FIRSTNAME>Ann</FIRSTNAME> lives in <CITY>Rome</CITY>.  She left it."
    [cluster] = sample.annotations[0].clusters.values()
    assert [sample.text[one.start : one.end] for one in cluster] == ["Ann", "She"]
    assert sample.provenance["row"] == "227508"
    assert sample.provenance["relations"] == [{"from": (0, 3), "to": (13, 17), "label": "lives_in"}]
    assert sample.provenance["features"][0]["features"] == {"Wikidata": "Q220"}
    assert report.left_out == {"event": 1}


def test_sequences_that_datasets_wrote_by_column_are_read(tmp_path: Path) -> None:
    columns = {
        name: {key: [entry[key] for entry in DOCUMENT[name]] for key in DOCUMENT[name][0]}  # type: ignore[index]
        for name in ("passages", "entities", "coreferences", "relations")
    }
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({**DOCUMENT, **columns}) + "\n")
    [sample], errors, _ = read(path)
    assert errors == []
    assert tag(sample).startswith("<FIRSTNAME>Ann</FIRSTNAME>")


@pytest.mark.parametrize(
    "change",
    [
        {"entities": [make_entity("T1", "FIRSTNAME", 0, "Ann", "in")]},
        {"entities": [make_entity("T1", "FIRSTNAME", 0, "Zoe")]},
        {"entities": [{"id": "T1", "type": "FIRSTNAME", "text": ["Ann"]}]},
        {"passages": []},
        {"passages": [*DOCUMENT["passages"], DOCUMENT["passages"][0]]},
        {"passages": [{"id": "1", "type": "", "text": ["Ann"], "offsets": [[10**12, 10**12 + 3]]}]},
    ],
)
def test_a_document_that_cannot_be_read_whole_is_refused(change: Mapping[str, Any], tmp_path: Path) -> None:
    samples, errors, _ = read(write(tmp_path / "a.json", [{**DOCUMENT, **change}]))
    assert (samples, len(errors)) == ([], 1)


def make_phrase(*parts: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "1", "data": list(parts), "isTemplate": False, "count": 0, "lang": "pt-BR", "updated": 1, **fields}


def test_a_folder_of_intents_gives_the_phrases_in_their_language(tmp_path: Path) -> None:
    folder = tmp_path / "intents"
    write(folder / "book [1].json", {"id": "9", "name": "book [1]", "responses": [{"parameters": []}], "priority": 1})
    phrases = [
        make_phrase(
            {"text": "Voo para ", "userDefined": False},
            {"text": "Roma ", "alias": "to", "meta": "@CITY", "userDefined": True},
            {"text": "amanhã", "userDefined": False},
        ),
        make_phrase({"text": "olá", "userDefined": False}),
        make_phrase({"text": "@CITY:to por favor", "userDefined": False}, isTemplate=True),
    ]
    write(folder / "book [1]_usersays_pt-br.json", phrases)
    samples, errors, report = read(folder)
    assert [(tag(one), one.language) for one in samples] == [
        ("Voo para <CITY>Roma</CITY> amanhã", "pt"),
        ("olá", "pt"),
    ]
    assert ["template" in error.reason for error in errors] == [True]
    assert [one.format for one in report.detected.values()] == ["dialogflow"]


def test_phrases_of_the_api_and_of_cx_are_read(tmp_path: Path) -> None:
    for number, kind in enumerate(("entityType", "parameterId")):
        parts = [{"text": "to "}, {"text": "Rome", kind: "@CITY" if number == 0 else "CITY", "auto": True}]
        document = {"trainingPhrases": [{"id": "1", "parts": parts, "repeatCount": 1, "languageCode": "en"}]}
        [sample], errors, _ = read(write(tmp_path / f"{kind}.json", document))
        assert (errors, tag(sample)) == ([], "to <CITY>Rome</CITY>")


def test_tools_that_are_not_read_are_named_with_a_way(tmp_path: Path) -> None:
    rows = {
        "Datasaur; export it as CoNLL": {"type": "ADVANCED", "cells": [], "labelSets": [], "labels": []},
        "convert both to brat": {"annotatable": {"parts": ["s1p1"]}, "entities": [], "metas": {}, "relations": []},
        "give its trainingPhrases": {"trainingPhrases": [{"parts": []}], "parameters": [{"id": "a"}]},
    }
    for advice, row in rows.items():
        samples, errors, _ = read(write(tmp_path / "a.json", row))
        assert samples == []
        assert [advice in error.reason for error in errors] == [True], errors
    (tmp_path / "a.ttl").write_text("@prefix nif: <http://example.test/nif#> .")
    with pytest.raises(InputError, match="Write the texts of NIF as JSONL"):
        read(tmp_path / "a.ttl")
