# ruff: noqa: E501 (rows of data sets)
"""Kinds of files that teams bring: each is read rightly or refused by name, and nothing is carried along unread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.formats.registry import export_samples
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from tests.strategies import LABELS

TEXT = "Ann Lee met Bo in Rome."
ANN, LEE, BO, ROME = ("Ann", "FIRSTNAME"), ("Lee", "SURNAME"), ("Bo", "FIRSTNAME"), ("Rome", "CITY")
REGION = {"id": "r", "from_name": "l", "to_name": "t", "type": "labels", "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["FIRSTNAME"]}}  # fmt: skip
EMOJI = "Grüße 😀 Ann Lee"
CONLLU = "1\tAnn\tann\tPROPN\tNNP\t_\t2\tnsubj\t_\t{}\n2\tran\trun\tVERB\t_\t_\t0\troot\t_\tSpaceAfter=No\n3\t.\t.\tPUNCT\t_\t_\t2\tpunct\t_\t_\n"


def read(path: Path, **options: Any) -> tuple[list[Sample], list[RecordError]]:
    errors: list[RecordError] = []
    return list(import_files([path], LABELS, ImportOptions(language="en", **options), errors.append)), errors


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str):
        content = "\n".join(map(json.dumps, content)) if name.endswith("l") else json.dumps(content)
    path.write_bytes(content.encode())
    return path


def find(samples: list[Sample]) -> list[list[tuple[str, str]]]:
    return [
        [(sample.text[e.start : e.end], e.label) for annotation in sample.annotations for e in annotation.entities]
        for sample in samples
    ]


def spans(*entries: Any, key: str = "annotations", text: str = TEXT) -> list[dict[str, Any]]:
    return [{"text": text, key: list(entries)}]


READ: dict[str, tuple[str, Any, list[list[tuple[str, str]]]]] = {
    "place as a pair": ("a.jsonl", spans({"label": "FIRSTNAME", "span": [0, 3]}), [[ANN]]),
    "place as an object": ("a.jsonl", spans({"label": "FIRSTNAME", "offset": {"start": 0, "end": 3}}), [[ANN]]),
    "place as a list of one pair": ("a.jsonl", spans({"type": "FIRSTNAME", "offsets": [[0, 3]]}), [[ANN]]),
    "start and length": ("a.jsonl", spans({"label": "FIRSTNAME", "start": 0, "length": 3}), [[ANN]]),
    "PubAnnotation": ("a.json", {"text": TEXT, "denotations": [{"id": "T1", "span": {"begin": 0, "end": 3}, "obj": "FIRSTNAME"}]}, [[ANN]]),
    "langextract": ("a.jsonl", spans({"extraction_class": "FIRSTNAME", "extraction_text": "Ann", "char_interval": {"start_pos": 0, "end_pos": 3}}), [[ANN]]),
    "a label with one place": ("a.jsonl", spans({"FIRSTNAME": [0, 3]}, {"CITY": [18, 22]}, key="labels"), [[ANN, ROME]]),
    "labels with objects": ("a.jsonl", [{"text": TEXT, "entities": {"FIRSTNAME": [{"indices": [0, 3]}], "CITY": []}}], [[ANN]]),
    "labels with values": ("a.jsonl", [{"text": TEXT, "entities": {"FIRSTNAME": ["Ann"], "CITY": "Rome"}}], [[ANN, ROME]]),
    "one span per JSON row": ("a.jsonl", [{"text": TEXT, "start": 0, "end": 3, "label": "FIRSTNAME"}, {"text": TEXT, "start": 18, "end": 22, "label": "CITY"}], [[ANN, ROME]]),
    "one value per JSON row": ("a.jsonl", [{"text": TEXT, "entity": "Ann", "type": "FIRSTNAME"}], [[ANN]]),
    "one value per row of a table": ("a.csv", "text,entity_text,entity_label\nAnn in Rome,Ann,FIRSTNAME\nAnn in Rome,Rome,CITY\nNobody,,\n", [[ANN, ROME], []]),
    "columns with a prefix": ("a.csv", "text,span_start,span_end,span_label\nAnn in Rome,0,3,FIRSTNAME\nAnn in Rome,7,11,CITY\n", [[ANN, ROME]]),
    "tags in a string": ("a.csv", "sentence,tags\nAnn ran,B-FIRSTNAME O\nHe ran,O O\n", [[ANN], []]),
    "lists that Python prints": ("a.csv", "tokens,ner_tags\n\"['Ann', 'ran']\",\"['B-FIRSTNAME', 'O']\"\n", [[ANN]]),
    "lists that NumPy prints": ("a.csv", "tokens,ner_tags\n\"['Ann' \"\"o'clock\"\"]\",\"['B-FIRSTNAME' 'O']\"\n", [[ANN]]),
    "token per row": ("a.csv", "sentence_id,words,labels\n0,Ann,B-FIRSTNAME\n0,ran,O\n1,Bo,B-FIRSTNAME\n", [[ANN], [BO]]),
    "splits in one file": ("a.json", {"train": [{"tokens": ["Ann"], "ner_tags": ["B-FIRSTNAME"]}], "test": [{"tokens": ["Bo"], "ner_tags": ["B-FIRSTNAME"]}]}, [[ANN], [BO]]),
    "SpERT": ("a.json", [{"tokens": ["Ann", "Lee", "ran"], "entities": [{"start": 0, "end": 2, "type": "FIRSTNAME"}], "relations": []}], [[("Ann Lee", "FIRSTNAME")]]),
    "DyGIE": ("a.jsonl", [{"doc_key": "d", "sentences": [["Ann", "ran", "."], ["Bo", "."]], "ner": [[[0, 0, "FIRSTNAME"]], [[3, 3, "FIRSTNAME"]]]}], [[ANN, BO]]),
    "JSONL named .txt": ("a.txt", '{"text":"Ann ran","entities":[[0,3,"FIRSTNAME"]]}\n{"text":"So","entities":[]}\n', [[ANN], []]),
    "a list named .txt": ("a.txt", '[{"text":"Ann ran","label":[[0,3,"FIRSTNAME"]]}]', [[ANN]]),
    "a list named .jsonl": ("a.jsonl", '[\n{"text":"Ann ran","label":[[0,3,"FIRSTNAME"]]},\n{"text":"Bo ran","label":[[0,2,"FIRSTNAME"]]}\n]\n', [[ANN], [BO]]),
    "a table named .txt": ("a.txt", 'text,label\n"Ann ran","[[0,3,""FIRSTNAME""]]"\n', [[ANN]]),
    "labels without a prefix": ("a.tsv", "Ann\tFIRSTNAME\nran\tO\n\nBo\tFIRSTNAME\n", [[ANN], [BO]]),
    "slashes with labels": ("a.txt", "Ann/FIRSTNAME met/O Bo/FIRSTNAME", [[ANN, BO]]),
    "a header over columns": ("a.tsv", "token\ttag\nAnn\tB-FIRSTNAME\nran\tO\n\nBo\tB-FIRSTNAME\n", [[ANN], [BO]]),
    "entities in CoNLL-U's last column": ("a.conllu", CONLLU.format("NER=B-FIRSTNAME"), [[ANN]]),
    "a number as a token": ("a.conll", "7\tO\n\nAnn\tB-FIRSTNAME\n7\tO\n", [[], [ANN]]),
    "Label Studio's storage": ("a.json", {"id": 7, "result": [REGION], "task": {"id": 1, "data": {"text": TEXT}}, "completed_by": 1}, [[ANN]]),
    "annotators of Doccano 1": ("a.jsonl", spans(*({"label": "FIRSTNAME", "start_offset": 0, "end_offset": 3, "user": user} for user in (1, 2))), [[ANN, ANN]]),
    "last characters": ("a.jsonl", spans({"label": "FIRSTNAME", "start": 0, "end": 2, "text": "Ann"}, {"label": "CITY", "start": 18, "end": 21, "text": "Rome"}), [[ANN, ROME]]),
    "first character 1": ("a.jsonl", spans({"label": "FIRSTNAME", "start": 1, "end": 3, "text": "Ann"}), [[ANN]]),
    "bytes": ("a.jsonl", spans({"label": "FIRSTNAME", "start": 13, "end": 16, "text": "Ann"}, text=EMOJI), [[ANN]]),
    "line ends of one character": ("a.jsonl", spans({"label": "FIRSTNAME", "start": 4, "end": 6, "text": "Bo"}, text="Hi,\r\nBo ran"), [[BO]]),
    "names of MUC": ("a.txt", '<DOC>\n<TXT><ENAMEX TYPE="FIRSTNAME">Ann</ENAMEX> in <ENAMEX TYPE="CITY" STATUS="OPT">Rome</ENAMEX></TXT></DOC>\n<DOC><TXT>So</TXT></DOC>', [[ANN, ROME], []]),
    "a place under position": ("a.jsonl", spans({"category": "FIRSTNAME", "position": [0, 3], "value": "Ann"}, key="fragments"), [[ANN]]),
    "one annotation under two keys": ("a.jsonl", [{"text": TEXT, "a": [[0, 3, "FIRSTNAME"]], "b": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]}], [[ANN]]),
    "a text under another key": ("a.jsonl", [{"message": TEXT, "found": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]}], [[ANN]]),
    "keys in capitals": ("a.jsonl", [{"Text": TEXT, "Entities": [{"BeginOffset": 0, "EndOffset": 3, "Type": "FIRSTNAME"}]}], [[ANN]]),
    "spans with values behind": ("a.jsonl", [{"text": TEXT, "entities": [[0, 3, "FIRSTNAME", "Ann"], ["Rome", 18, 22, "CITY"]]}], [[ANN, ROME]]),
    "several values in a cell": ("a.csv", 'text,FIRSTNAME,CITY\nAnn met Bo,"Ann, Bo",\nAnn in Rome,Ann,Rome\n', [[ANN, BO], [ANN, ROME]]),
    "sentences by number": ("a.tsv", "sent_id\ttoken\tner\n1\tAnn\tB-FIRSTNAME\n1\tran\tO\n2\tBo\tB-FIRSTNAME\n", [[ANN], [BO]]),
    "marks of OpenNLP": ("a.txt", "<START:FIRSTNAME> Ann <END> ran in <START:CITY> Rome <END> .\n", [[ANN, ROME]]),
    "line ends that lost a character": ("a.jsonl", spans({"label": "FIRSTNAME", "start": 5, "end": 7, "text": "Bo"}, text="Hi,\nBo ran"), [[BO]]),
    "one character up to the last": ("a.jsonl", [{"text": "安在罗马", "label": {"FIRSTNAME": {"安": [[0, 0]]}}}], [[("安", "FIRSTNAME")]]),
    "numbered values": ("a.csv", "text,entity1,label1,entity2,label2\nAnn in Rome,Ann,FIRSTNAME,Rome,CITY\nBo ran,Bo,FIRSTNAME,,\nSo,,,,\n", [[ANN, ROME], [BO], []]),
    "numbered places": ("a.jsonl", [{"text": TEXT, "start_1": 0, "end_1": 3, "label_1": "FIRSTNAME"}], [[ANN]]),
    "blanks around cells": ("a.csv", "text , start , end , label\nAnn ran, 0, 3, FIRSTNAME\n", [[ANN]]),
    "values beside places up to the last character": ("a.csv", "text,start,end,label,value\nAnn ran,0,2,FIRSTNAME,Ann\n", [[ANN]]),
    "tags with commas": ("a.csv", 'text,labels\nAnn ran,"B-FIRSTNAME,O"\nHe ran,"O, O"\n', [[ANN], []]),
    "columns of PHI": ("a.csv", "text,phi_start,phi_end,phi_type\nAnn ran,0,3,FIRSTNAME\n", [[ANN]]),
    "spaCy's .iob": ("a.txt", "Ann|NNP|B-FIRSTNAME ran|VBD|O\nBo|B-FIRSTNAME ran|O\n", [[ANN, BO]]),
    "values with other spaces": ("a.jsonl", spans({"label": "CITY", "start": 3, "end": 12, "text": "New York"}, text="in New  York"), [[("New  York", "CITY")]]),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_kinds_are_read(tmp_path: Path, case: str) -> None:
    name, content, expected = READ[case]
    samples, errors = read(write(tmp_path, name, content))
    assert errors == []
    assert find(samples) == expected


REFUSED: dict[str, tuple[str, Any, str]] = {
    "regions of two texts": ("a.json", [{"id": 1, "data": {"title": "Ann", "body": TEXT}, "annotations": [{"id": 1, "result": [{**REGION, "to_name": name, "id": name} for name in ("title", "body")]}]}], "several texts (body, title)"),
    "clusters of values": ("a.jsonl", [{"text": "Ann ran. She fell.", "clusters": [["Ann", "She"]]}], "'clusters' holds annotations"),
    "mentions that count tokens": ("a.jsonl", [{"doc_id": "d", "tokens": ["Ann", "ran"], "entity_mentions": [{"text": "Ann", "entity_type": "FIRSTNAME", "start": 0, "end": 3}]}], "outside the tokens"),
    "labels by value": ("a.jsonl", [{"text": TEXT, "labels": {"Ann": "FIRSTNAME"}}], "'labels' names labels"),
    "labels by value in a string": ("a.csv", "text,found\nAnn in Rome,Ann:FIRSTNAME;Rome:CITY\n", "'found' names labels"),
    "a masked copy with other labels": ("a.jsonl", [{"text": TEXT, "masked": "[NAME] Lee met Bo in [PLACE]."}], "'masked' names labels"),
    "a masked copy with stars": ("a.jsonl", [{"text": TEXT, "masked": "*** Lee met Bo in ****."}], "'masked' names labels"),
    "a value of two that the text lacks": ("a.csv", "text,FIRSTNAME,CITY\nAnn in Rome,Ann,Roma\n", "'CITY' is a label"),
    "two annotations under two keys": ("a.jsonl", [{"text": TEXT, "a": [[0, 3, "FIRSTNAME"]], "b": [[0, 3, "CITY"]]}], "several keys"),
    "questions about a text": ("a.json", {"data": [{"title": "x", "paragraphs": [{"context": TEXT, "qas": []}]}]}, "no text"),
    "a tagged copy": ("a.jsonl", [{"text": TEXT, "output": "<FIRSTNAME>Ann</FIRSTNAME> Lee met Bo in Rome."}], "'output' names labels"),
    "a tagged copy with other labels": ("a.jsonl", [{"text": TEXT, "output": "<first_name>Ann</first_name> Lee met Bo in Rome."}], "'output' names labels"),
    "spans beside the data of a task": ("a.json", [{"data": {"text": TEXT}, "spans": [[0, 3, "FIRSTNAME"]]}], "'spans' beside data"),
    "spans beside data without text": ("a.json", [{"data": {"body": TEXT}, "spans": [[0, 3, "FIRSTNAME"]]}], "'spans' beside data"),
    "annotations given as numbers": ("a.json", [{"id": 1, "data": {"text": TEXT}, "annotations": [11]}], "numbers alone"),
    "Label Studio's list of tasks": ("a.json", [{"id": 1, "data": {"text": TEXT}, "annotations": [], "annotations_results": '[[{"value": {"start": 0, "end": 3, "labels": ["FIRSTNAME"]}}]]'}], "export the project as JSON"),
    "a chat": ("a.jsonl", [{"messages": [{"role": "user", "content": TEXT}]}], "chat for fine-tuning"),
    "output of Comprehend": ("a.jsonl", [{"File": "a.txt", "Entities": [{"BeginOffset": 0, "EndOffset": 3, "Type": "PERSON"}]}], "output of Amazon Comprehend"),
    "WebAnno with offsets of another text": ("a.tsv", "#FORMAT=WebAnno TSV 3.3\n#T_SP=custom.NE|value\n\n#Text=A b c\n1-1\t0-1\tA\t_\n1-2\t4-5\tb\tCITY\n", "4-5 do not cut out"),
    "kiji with spans": ("a.jsonl", [{"text": TEXT, "privacy_mask": [], "coreferences": [], "spans": [[0, 3, "FIRSTNAME"]]}], "kiji has no key 'spans'"),
    "Nemotron with entities": ("a.jsonl", [{"uid": "a", "document_type": "x", "text": TEXT, "spans": [], "entities": [[0, 3, "FIRSTNAME"]]}], "no key 'entities'"),
    "TAB with spans": ("a.jsonl", [{"text": TEXT, "annotations": {"a": {"entity_mentions": []}}, "spans": [[0, 3, "FIRSTNAME"]]}], "no key 'spans'"),
    "Labelbox with spans": ("a.jsonl", [{"data_row": {"row_data": TEXT}, "projects": {}, "spans": [[0, 3, "FIRSTNAME"]]}], "no key 'spans'"),
    "BioC with annotations beside the passages": ("a.json", [{"passages": [{"offset": 0, "text": TEXT, "annotations": []}], "annotations": [{"text": "Ann"}]}], "no key 'annotations'"),
    "BioC with annotations of sentences": ("a.json", [{"passages": [{"offset": 0, "text": TEXT, "sentences": [{"offset": 0, "annotations": [{"text": "Ann"}]}]}]}], "of sentences are not read"),
    "offsets in a string": ("a.jsonl", [{"text": TEXT, "label": "0 3 FIRSTNAME"}], "neither JSON"),
    "offsets in strings": ("a.jsonl", [{"text": TEXT, "labels": ["0,3,FIRSTNAME|18,22,CITY"]}], "cannot be read"),
    "a place without an end": ("a.csv", "text,label,start,ende\nAnn ran,FIRSTNAME,0,3\n", "no end"),
    "a masked text alone": ("a.jsonl", [{"text": TEXT, "masked": "[FIRSTNAME_1] Lee met Bo in [CITY]."}], "'masked' names labels"),
    "an answer of a model": ("a.jsonl", [{"text": TEXT, "output": '{"FIRSTNAME": ["Ann"]}'}], "'output' names labels"),
    "a span of several parts": ("a.jsonl", spans({"label": "FIRSTNAME", "offsets": [[0, 3], [12, 14]]}), "several parts"),
    "a span that is not correct": ("a.jsonl", spans({"tag": "CITY", "start": 0, "end": 3, "correct": False}), "not correct"),
    "an ignored position": ("a.jsonl", [{"tokens": ["Ann", "ran"], "ner_tags": [-100, 0]}], "the tag -100"),
    "fewer tags than tokens": ("a.jsonl", [{"tokens": ["Ann", "ran"], "ner_tags": ["B-FIRSTNAME"]}], "tokens has 2 entries, ner_tags has 1"),
    "labels without a counterpart": ("a.conll", "Ann B-PERSON\nin O\nRome B-LOC\n", "Unknown label 'PERSON'"),
    "an empty token": ("a.conll", "Ann\tB-FIRSTNAME\n\tO\n", "the token is empty"),
    "PARSEME's column": ("a.conllu", CONLLU.replace("\n", "\t*\n").replace("{}\t*", "_\t1:PER"), "last column"),
    "WebAnno TSV 2": ("a.tsv", "#FORMAT=WebAnno TSV 2.0\n# webanno.custom.X | v\n#id=1\n1-1\tAnn\tB-X\n", "export WebAnno TSV 3"),
    "an address": ("a.json", [{"id": 1, "data": {"text": "https://x.org/a.txt"}, "annotations": []}], "is an address"),
    "a dialogue": ("a.json", [{"id": 1, "data": {"talk": [{"author": "A", "text": "hi"}]}, "annotations": []}], "a dialogue"),
    "paths of a taxonomy": ("a.json", [{"id": 1, "data": {"text": TEXT}, "annotations": [{"result": [{**REGION, "type": "taxonomy", "value": {"start": 0, "end": 3, "taxonomy": [["Person", "Name"]]}}]}]}], "'Person/Name'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_kinds_are_refused(tmp_path: Path, case: str) -> None:
    name, content, reason = REFUSED[case]
    samples, errors = read(write(tmp_path, name, content))
    assert samples == []
    assert reason in errors[0].reason


@pytest.mark.parametrize(
    ("name", "advice"), [("a.xlsx", "CSV"), ("a.zip", "Unpack"), ("a.xml", "inline"), ("a.abc", ".jsonl")]
)
def test_files_that_are_not_read_say_what_would_be(tmp_path: Path, name: str, advice: str) -> None:
    with pytest.raises(InputError, match=advice):
        read(write(tmp_path, name, "PK"))


def test_drafts_and_predictions_given_as_numbers_are_counted(tmp_path: Path) -> None:
    row = {"id": 1, "data": {"text": TEXT}, "annotations": [{"completed_by": 1, "result": [REGION]}]}
    (sample,), errors = read(write(tmp_path, "a.json", [row | {"predictions": [3, 4], "drafts": [5]}]))
    assert ([len(one.entities) for one in sample.annotations], errors) == ([1], [])
    assert sample.provenance["left_out"] == {"drafts given as numbers": 1, "predictions given as numbers": 2}


def test_our_own_tasks_are_read_whole_where_predictions_are_numbers(tmp_path: Path) -> None:
    mention = Mention(0, 3, "MENTION")
    annotation = Annotation(Author.person("ann"), (Entity(0, 3, "FIRSTNAME"),), (mention,))
    export_samples("label-studio", tmp_path / "a.json", [Sample(TEXT, "en", annotations=(annotation,))], LABELS)
    (task,) = json.loads((tmp_path / "a.json").read_bytes())
    (sample,), errors = read(write(tmp_path, "b.json", [task | {"predictions": [3]}]))
    assert ([one.mentions for one in sample.annotations], errors) == ([(mention,)], [])


@pytest.mark.parametrize("label", ["PER", "per"])
def test_tags_of_mapped_labels_are_read_in_texts_and_refused_in_rows(tmp_path: Path, label: str) -> None:
    text = f"<{label}>Ann</{label}> ran."
    (sample,), _ = read(write(tmp_path, "a.txt", text), labels_map={label: "FIRSTNAME"})
    assert (sample.text, [one.span for one in sample.annotations[0].entities]) == ("Ann ran.", [(0, 3, "FIRSTNAME")])
    for name, content in (("a.jsonl", [{"text": text}]), ("a.csv", f"text\n{text}\n")):
        samples, errors = read(write(tmp_path, name, content), labels_map={label: "FIRSTNAME"})
        assert samples == []
        assert f"tags of {label}" in errors[0].reason


def test_a_sentence_of_webanno_may_begin_with_blanks(tmp_path: Path) -> None:
    lines = ["#FORMAT=WebAnno TSV 3.3", "#T_SP=custom.NE|value", "", "#Text=  Rome b", "1-1\t2-6\tRome\tCITY\t"]
    (sample,), errors = read(write(tmp_path, "a.tsv", "\n".join([*lines, "1-2\t7-8\tb\t_\t", ""])))
    (entity,) = sample.annotations[0].entities
    assert (sample.text, entity.span, errors) == ("  Rome b", (2, 6, "CITY"), [])


@pytest.mark.parametrize("token", ["a\\b", "a\\\\b"])
def test_tokens_of_webanno_may_be_escaped(tmp_path: Path, token: str) -> None:
    lines = ["#FORMAT=WebAnno TSV 3.3", "#T_SP=custom.NE|value", "", "#Text= a\\\\b Rome", f"1-1\t1-4\t{token}\t_\t"]
    (sample,), errors = read(write(tmp_path, "a.tsv", "\n".join([*lines, "1-2\t5-9\tRome\tCITY\t", ""])))
    assert (sample.text, errors) == (" a\\b Rome", [])


def test_relations_of_brat_may_name_their_arguments(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ann met Bo.")
    spans = "T1\tFIRSTNAME 0 3\tAnn\nT2\tFIRSTNAME 8 10\tBo\n"
    (sample,), _ = read(write(tmp_path, "a.ann", f"{spans}R1\tknows Who:T1 Whom:T2\n"))
    assert sample.provenance["relations"] == [{"from": (0, 3), "to": (8, 10), "label": "knows"}]


def test_a_class_label_number_is_none_from_the_end(tmp_path: Path) -> None:
    rows = [{"tokens": ["Ann", "ran"], "ner_tags": [-1, 0]}]
    samples, errors = read(write(tmp_path, "a.jsonl", rows), tag_names=("O", "B-FIRSTNAME"))
    assert samples == []
    assert "the tag -1" in errors[0].reason


@pytest.mark.parametrize(
    ("words", "start", "end"), [("Ann\r\nLee met", 4, 7), ("Ann 😀 Lee", 7, 10), ("Ann Lee met", 4, 7)]
)
def test_brat_offsets_follow_the_words(tmp_path: Path, words: str, start: int, end: int) -> None:
    write(tmp_path, "a.txt", words)
    write(tmp_path, "a.ann", f"T1\tSURNAME {start} {end}\tLee\n")
    write(tmp_path, "b.txt", "Nobody looked at this.")
    samples, errors = read(tmp_path)
    assert errors == []
    assert find(samples) == [[LEE], []]
    assert samples[1].annotations == ()


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize(("text", "notes"), [("a.txt", "a.ANN"), ("a.TXT", "a.ann"), ("a.TXT", "a.Ann")])
def test_brat_files_are_paired_whatever_the_case_of_their_endings(
    tmp_path: Path, folder: bool, text: str, notes: str
) -> None:
    write(tmp_path, text, "Ann Lee met")
    path = write(tmp_path, notes, "T1\tSURNAME 4 7\tLee\n")
    samples, errors = read(tmp_path if folder else path)
    assert (errors, find(samples)) == ([], [[LEE]])


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["a.json", "A.JSON"])
def test_json_is_read_whole_whatever_the_case_of_its_ending(tmp_path: Path, name: str, indent: int | None) -> None:
    rows = {"examples": [{"text": "Ann Lee met", "spans": [{"start": 4, "end": 7, "label": "SURNAME"}]}]}
    samples, errors = read(write(tmp_path, name, json.dumps(rows, indent=indent)))
    assert (errors, find(samples)) == ([], [[LEE]])


@pytest.mark.parametrize(("first", "last"), [(0, -1), (1, 0), (1, 1)])
def test_values_tell_how_offsets_are_counted(tmp_path: Path, first: int, last: int) -> None:
    spans = [
        {"start": at + first, "end": at + 3 + last, "label": label, "text": word}
        for at, label, word in ((0, "FIRSTNAME", "Ann"), (4, "SURNAME", "Lee"))
    ]
    samples, errors = read(write(tmp_path, "a.jsonl", [{"text": "Ann Lee met", "entities": spans}]))
    assert errors == []
    assert [[(e.start, e.end) for e in sample.annotations[0].entities] for sample in samples] == [[(0, 3), (4, 7)]]


def test_tokens_lie_in_the_text_under_any_of_its_keys(tmp_path: Path) -> None:
    text = "Ann\n\n  Lee  met."
    row = {
        "full_text": text,
        "tokens": ["Ann", "\n\n ", "Lee", " ", "met", "."],
        "labels": ["O", "O", "B-SURNAME", *"OOO"],
    }
    (sample,), errors = read(write(tmp_path, "a.json", [row]))
    assert (errors, sample.text, find([sample])) == ([], text, [[LEE]])


def test_a_text_file_of_tags_before_tokens_is_recognised(tmp_path: Path) -> None:
    samples, errors = read(write(tmp_path, "a.txt", "O Ann\nB-SURNAME Lee\nO met\n\nO Bo\n"))
    assert (errors, find(samples)) == ([], [[LEE], []])


def test_clusters_of_docred_are_read(tmp_path: Path) -> None:
    mention = {"type": "FIRSTNAME", "sent_id": 0, "pos": [0, 1], "name": "Ann"}
    row = {
        "sents": [["Ann", "ran", "."], ["So", "Ann", "left"]],
        "vertexSet": [[mention, mention | {"sent_id": 1, "pos": [1, 2]}]],
    }
    (sample,), errors = read(write(tmp_path, "a.json", [row]))
    assert (errors, sample.text) == ([], "Ann ran .\nSo Ann left")
    (cluster,) = sample.annotations[0].clusters.values()
    assert [mention.start for mention in cluster] == [0, 13]


@pytest.mark.parametrize("name", ["a.a1", "a.SPANS"])
def test_texts_are_not_read_without_the_annotations_beside_them(tmp_path: Path, name: str) -> None:
    write(tmp_path, "a.txt", TEXT)
    write(tmp_path, name, "T1\tCITY 0 3\tAnn\n")
    with pytest.raises(InputError, match="brat"):
        read(tmp_path)


def test_annotations_beside_the_rows_of_a_document_are_not_lost(tmp_path: Path) -> None:
    document = {"rows": [{"content": TEXT, "spans": []}], "spans": [{"start": {"row": 0}, "label": "FIRSTNAME"}]}
    samples, errors = read(write(tmp_path, "a.json", document))
    assert (samples, len(errors)) == ([], 1)


def test_relations_of_pubtator_are_counted_and_broken_lines_refused(tmp_path: Path) -> None:
    lines = ["1|t|Ann Lee", "1|a|met", "1\t0\t3\tAnn\tFIRSTNAME\t7", "1\tCID\t7\t8", "1\t4\t7\tLee"]
    (sample,), (error,) = read(write(tmp_path, "a.txt", "\n".join(lines)))
    assert (find([sample]), error.line) == ([[("Ann", "FIRSTNAME")]], 5)
    assert sample.provenance["left_out"] == {"relations": 1}


@pytest.mark.parametrize(
    "results",
    [
        {"annotations": [{"start": 0, "end": 3, "tag": "FIRSTNAME"}]},
        [["FIRSTNAME", 0, 3, 0.75]],
        [[0, 3, "FIRSTNAME", 1.0]],
    ],
)
def test_spans_with_scores_and_wrapped_lists_are_read(tmp_path: Path, results: Any) -> None:
    samples, errors = read(write(tmp_path, "a.jsonl", [{"text": TEXT, "results": results}]))
    assert (errors, find(samples)) == ([], [[("Ann", "FIRSTNAME")]])


def test_two_lists_of_spans_in_one_object_are_refused(tmp_path: Path) -> None:
    one, other = ([{"start": 0, "end": 3, "label": label}] for label in ("FIRSTNAME", "SURNAME"))
    samples, errors = read(write(tmp_path, "a.jsonl", [{"text": TEXT, "marks": {"entities": one, "spans": other}}]))
    assert (samples, len(errors)) == ([], 1)


def test_a_storage_of_label_studio_is_one_data_set(tmp_path: Path) -> None:
    for person in (1, 2):
        entry = {"id": person, "result": [REGION], "task": {"id": 1, "data": {"text": TEXT}}, "completed_by": person}
        write(tmp_path, f"export/{person}", json.dumps(entry))
    (sample,), errors = read(tmp_path / "export")
    assert errors == []
    assert [annotation.author.name for annotation in sample.annotations] == ["1", "2"]


def test_clusters_of_tokenised_sentences_are_read(tmp_path: Path) -> None:
    row = {"doc_key": "d", "sentences": [["Ann", "ran", "."], ["She", "left"]], "clusters": [[[0, 0], [3, 3]]]}
    (sample,), _ = read(write(tmp_path, "a.jsonl", [row]))
    (cluster,) = sample.annotations[0].clusters.values()
    assert [sample.text[m.start : m.end] for m in cluster] == ["Ann", "She"]


def test_a_folder_of_save_to_disk_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"tokens": [["Ann", "ran"]], "ner_tags": [[1, 0]]})
    folder = tmp_path / "train"
    folder.mkdir()
    path = str(folder / "data-00000-of-00001.arrow")
    with pyarrow.OSFile(path, "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    names = {"features": {"ner_tags": {"feature": {"names": ["O", "B-FIRSTNAME"], "_type": "ClassLabel"}}}}
    write(folder, "dataset_info.json", json.dumps(names))
    write(folder, "state.json", json.dumps({"_split": "train"}))
    samples, errors = read(tmp_path)
    assert (find(samples), errors) == ([[ANN]], [])


def test_tags_that_no_schema_knows_are_read_on_request(tmp_path: Path) -> None:
    path = write(tmp_path, "a.xml", "<first_name>Ann</first_name> ran to <town>Rome</town>.")
    samples, errors = read(path, format="inline", labels_map={"first_name": "FIRSTNAME", "town": "CITY"})
    assert (find(samples), errors) == ([[ANN, ROME]], [])


@pytest.mark.parametrize(
    "rows",
    [
        [{"subject": "Hi all", "message": TEXT, "found": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]}],
        [{"subject": "Hi all", "message": TEXT, "entities": [[0, 3, "FIRSTNAME"]]}],
        [{"subject": "Hi all", "message": TEXT, "start": 0, "end": 3, "label": "FIRSTNAME"}],
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_the_given_key_of_the_text_tells_the_shape(tmp_path: Path, name: str, rows: list[dict[str, Any]]) -> None:
    content: Any = rows
    if name == "a.csv":
        cells = [[json.dumps(v) if isinstance(v, list) else str(v) for v in row.values()] for row in rows]
        lines = [",".join('"{}"'.format(cell.replace('"', '""')) for cell in line) for line in [list(rows[0]), *cells]]
        content = "\n".join(lines)
    samples, errors = read(write(tmp_path, name, content), text_key="message")
    assert errors == []
    assert [sample.text for sample in samples] == [TEXT]
    assert find(samples) == [[ANN]]


def test_coreference_of_muc_is_read_as_clusters(tmp_path: Path) -> None:
    text = (
        '<COREF ID="1" MIN="Ann">Ann Lee</COREF> ran. <COREF ID="2" REF="1">She</COREF> and <COREF ID="9">Bo</COREF>.'
    )
    (sample,), errors = read(write(tmp_path, "a.txt", text))
    assert errors == []
    assert sample.text == "Ann Lee ran. She and Bo."
    (annotation,) = sample.annotations
    assert [sample.text[m.start : m.end] for m in annotation.mentions] == ["Ann Lee", "She"]
    assert len({mention.cluster for mention in annotation.mentions}) == 1


@pytest.mark.parametrize(
    "field",
    [
        {"title": "Met (NATO)"},
        {"source": "URL: https://example.org/a"},
        {"STATE": "draft"},
        {"note": "***"},
        {"log": "0 3 PERSON " * 60 + "and so on"},
        {"FIRSTNAME": [""]},
        {"scores": {"FIRSTNAME": 0.5}},
        {"bbox": [0, 0, 10, 10]},
        {"shape": [[1, 2, 3, 4]]},
        {"address1": "x", "address2": "y", "label1": "a"},
        {"clusters": 3, "annotations": 0.5, "spans": True},
        {"html": f"<p>{TEXT}</p>"},
    ],
)
def test_what_only_looks_like_annotations_stays_a_field(tmp_path: Path, field: dict[str, Any]) -> None:
    (sample,), errors = read(write(tmp_path, "a.jsonl", [{"text": TEXT, **field}]))
    assert errors == []
    assert sample.provenance["fields"] == field
    assert sample.annotations == ()


TASK = {"data": {"text": TEXT, "language": "English"}, "predictions": [{"model_version": "m", "result": [REGION]}]}


@pytest.mark.parametrize(
    ("documents", "formats"),
    [
        ([[{"text": TEXT, "label": [[0, 3, "FIRSTNAME"]]}], [{"text": "So", "label": []}]], {"doccano"}),
        (
            [{"text": TEXT, "denotations": [{"id": "T1", "span": {"begin": 0, "end": 3}, "obj": "FIRSTNAME"}]}],
            {"spans"},
        ),
        ([TASK], {"kiji"}),
    ],
)
def test_a_folder_of_json_is_read_by_what_its_files_hold(
    tmp_path: Path, documents: list[Any], formats: set[str]
) -> None:
    for number, document in enumerate(documents):
        write(tmp_path, f"{number}.json", document)
    report = ImportReport()
    errors: list[RecordError] = []
    samples = list(import_files([tmp_path], LABELS, ImportOptions(language="en"), errors.append, report))
    assert errors == []
    assert {found.format for found in report.detected.values()} == formats
    assert find(samples)[0] == [ANN]
    assert {sample.language for sample in samples} == {"en"}
