# ruff: noqa: E501 (rows of data sets)
"""Odd but valid files of the tools that teams use: nothing is lost, nothing is guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.formats.registry import export_samples
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans
from tests.strategies import LABELS

TEXT = "Ann Lee met Bo in Rome."
ANN, LEE, BO, ROME = ("Ann", "FIRSTNAME"), ("Lee", "SURNAME"), ("Bo", "FIRSTNAME"), ("Rome", "CITY")
PLACES = {"Ann": (0, 3), "Lee": (4, 7), "met": (8, 11), "Bo": (12, 14), "Rome": (18, 22)}
HASHES = {"text": TEXT, "_input_hash": 1, "_task_hash": 2}
TOKENS = [
    {"text": word, "start": start, "end": end, "id": number}
    for number, (word, (start, end)) in enumerate(PLACES.items())
]


def span(word: str, label: str, **fields: Any) -> dict[str, Any]:
    start, end = PLACES[word]
    return {"start": start, "end": end, "label": label, **fields}


def region(word: str, label: str, **fields: Any) -> dict[str, Any]:
    start, end = PLACES[word]
    value = {"start": start, "end": end, "text": word, "labels": [label]}
    return {"id": word, "from_name": "ner", "to_name": "txt", "type": "labels", "value": value, **fields}


def task(*result: Any, **data: Any) -> dict[str, Any]:
    return {"id": 1, "data": data or {"text": TEXT}, "annotations": [{"completed_by": 1, "result": list(result)}]}


def minimal(annotator: int, *labels: dict[str, Any], **fields: Any) -> dict[str, Any]:
    row = {"text": TEXT, "id": 1, "label": list(labels), "annotator": annotator, "annotation_id": annotator}
    return {**row, "lead_time": 1.5, **fields}


def read(path: Path, **options: Any) -> tuple[list[Sample], list[RecordError], ImportReport]:
    errors: list[RecordError] = []
    report = ImportReport()
    samples = list(import_files([path], LABELS, ImportOptions(language="en", **options), errors.append, report))
    assert report.rows == report.samples + report.joined + len(errors)
    return samples, errors, report


def read_content(folder: Path, name: str, content: Any) -> tuple[list[Sample], list[RecordError], ImportReport]:
    path = folder / name
    if isinstance(content, str):
        path.write_bytes(content.encode())
    elif name.endswith("l"):
        path.write_text("".join(f"{json.dumps(row)}\n" for row in content))
    else:
        path.write_text(json.dumps(content))
    return read(path)


def surfaces(sample: Sample) -> list[list[tuple[str, str]]]:
    return [[(sample.text[e.start : e.end], e.label) for e in one.entities] for one in sample.annotations]


GUM = """# global.Entity = eid-etype-head-other
# newdoc id = g1
# sent_id = g1-1
# text = Ann Lee's dog ran.
1\tAnn\t_\t_\t_\t_\t_\t_\t_\tEntity=(1-animal-3-new(2-person-1-Ann_Lee
2-3\tLee's\t_\t_\t_\t_\t_\t_\t_\t_
2\tLee\t_\t_\t_\t_\t_\t_\t_\t_
3\t's\t_\t_\t_\t_\t_\t_\t_\tEntity=2)
4\tdog\t_\t_\t_\t_\t_\t_\t_\tEntity=1)
5\tran\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
6\t.\t_\t_\t_\t_\t_\t_\t_\t_

# sent_id = g1-2
# text = She slept.
1\tShe\t_\t_\t_\t_\t_\t_\t_\tEntity=(2-person-1-Ann_Lee)
2\tslept\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
3\t.\t_\t_\t_\t_\t_\t_\t_\t_

"""
PARTS = """#begin document (bc/a); part 000
bc/a 0 0 Ann NNP (TOP(S* - - - s (FIRSTNAME) (0)
bc/a 0 1 left VBD *)) leave 01 - s * -

#end document
#begin document (bc/a); part 001
bc/a 1 0 Bo NNP (TOP(S* - - - s (FIRSTNAME) (0)
bc/a 1 1 ran VBD *)) run 01 - s * -

#end document
"""
KAGGLE = "Sentence #,Word,POS,Tag\nSentence: 1,Ann,NNP,B-FIRSTNAME\n,null,VBD,O\n,Rome,NNP,B-CITY\nSentence: 2,Bo,NNP,B-FIRSTNAME\n,left,VBD,O\n"
CAS = [{"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaString": TEXT}]
FILES: dict[str, tuple[str, Any, list[list[list[tuple[str, str]]]]]] = {
    "prodigy without spans": ("a.jsonl", [{**HASHES, "answer": "accept"}], [[[]]]),
    "prodigy by two annotators": (
        "a.jsonl",
        [
            {**HASHES, "spans": [span("Ann", "FIRSTNAME")], "answer": "accept", "_annotator_id": "a"},
            {**HASHES, "spans": [span("Lee", "SURNAME")], "answer": "accept", "_annotator_id": "b"},
        ],
        [[[ANN], [LEE]]],
    ),
    "prodigy choice": ("a.jsonl", [{**HASHES, "options": [{"id": "P", "text": "p"}], "accept": ["P"], "answer": "accept"}], [[]]),
    "prodigy class": ("a.jsonl", [{**HASHES, "label": "INSULT", "answer": "accept"}], [[]]),
    "prodigy nothing": ("a.jsonl", [{**HASHES, "tokens": TOKENS, "answer": "accept"}], [[[]]]),
    "prodigy review": (
        "a.jsonl",
        [
            {
                **HASHES,
                "spans": [span("Ann", "FIRSTNAME")],
                "sessions": ["a", "b"],
                "answer": "accept",
                "versions": [
                    {"text": TEXT, "spans": [span("Ann", "FIRSTNAME")], "sessions": ["a"]},
                    {"text": TEXT, "spans": [span("Rome", "CITY")], "sessions": ["b"]},
                ],
            }
        ],
        [[[ANN], [ANN], [ROME]]],
    ),
    "doccano data": ("a.jsonl", [{"id": 1, "data": TEXT, "label": [[0, 3, "FIRSTNAME"]]}], [[[ANN]]]),
    "doccano classes": ("a.jsonl", [{"id": 1, "text": TEXT, "label": ["positive"], "Comments": []}], [[]]),
    "argilla tuples": ("a.jsonl", [{"text": TEXT, "annotation": [["FIRSTNAME", 0, 3]], "prediction": None, "status": "Validated"}], [[[ANN]]]),
    "argilla columns": (
        "a.jsonl",
        [
            {
                "id": "1",
                "text": TEXT,
                "span.responses": [[span("Ann", "FIRSTNAME")], [span("Rome", "CITY")]],
                "span.responses.users": ["u1", "u2"],
                "span.responses.status": ["submitted", "submitted"],
                "span.suggestion": None,
            }
        ],
        [[[ANN], [ROME]]],
    ),
    "docstart without blank lines": ("a.conll", "-DOCSTART- -X- O O\nAnn NNP I-NP I-FIRSTNAME\nmet VBD I-VP O\n-DOCSTART- -X- O O\nBo NNP I-NP I-FIRSTNAME\nleft VBD O O\n", [[[ANN]], [[BO]]]),
    "bom and crlf": ("a.conll", "\ufeffAnn S-FIRSTNAME\r\nmet O\r\n\r\nBo S-FIRSTNAME\r\n", [[[ANN]], [[BO]]]),
    "bmewo": ("a.conll", "Ann W-FIRSTNAME\nmet O\nNew B-CITY\nYork M-CITY\nCity E-CITY\n", [[[ANN, ("New York City", "CITY")]]]),
    "tag before token": ("a.bio", "B-FIRSTNAME\tAnn\nO\tmet\nB-CITY\tRome\n", [[[ANN, ROME]]]),
    "table of tokens": ("a.csv", KAGGLE, [[[ANN, ROME]], [[BO]]]),
    "parts of a document": ("a.conll", PARTS, [[[ANN]], [[BO]]]),
    "gliner2": ("a.jsonl", [{"input": TEXT, "output": {"entities": {"FIRSTNAME": ["Ann", "Bo"], "CITY": ["Rome"]}}}], [[[ANN, BO, ROME]]]),
    "values by label": ("a.jsonl", [{"text": TEXT, "entities": {"FIRSTNAME": ["Ann", "Bo"], "CITY": []}}], [[[ANN, BO]]]),
    "webanno in utf-16": (
        "a.tsv",
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=de.NamedEntity|identifier|value\n\n\n#Text=🎉 Ann.\n1-1\t0-2\t🎉\t_\t_\t\n1-2\t3-6\tAnn\t*\tFIRSTNAME\t\n1-3\t6-7\t.\t_\t_\t\n",
        [[[ANN]]],
    ),
    "webanno parts of tokens": (
        "a.tsv",
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=de.NamedEntity|value\n\n\n#Text=Ann-based.\n1-1\t0-9\tAnn-based\t_\t\n1-1.1\t0-3\tAnn\tFIRSTNAME\t\n1-2\t9-10\t.\t_\t\n",
        [[[ANN]]],
    ),
    "cas with a layer of the team's own": ("a.json", {"%FEATURE_STRUCTURES": [*CAS, {"%ID": 2, "%TYPE": "custom.Person", "begin": 0, "end": 3, "Type": "FIRSTNAME"}]}, [[[ANN]]]),
    "json-min by two annotators": (
        "a.json",
        [minimal(1, span("Ann", "FIRSTNAME"), mood="sure"), minimal(2, span("Rome", "CITY"))],
        [[[ANN], [ROME]]],
    ),
    "one text of several": ("a.json", [task(region("Ann", "FIRSTNAME"), title="Bo wins today", note=TEXT)], [[[ANN]]]),
    "completions": ("a.json", [{"id": 1, "data": {"text": TEXT}, "completions": [{"id": 1, "result": [region("Ann", "FIRSTNAME")]}]}], [[[ANN]]]),
    "answers about a region": (
        "a.json",
        [
            task(
                region("Ann", "FIRSTNAME"),
                {"id": "Ann", "from_name": "t", "to_name": "txt", "type": "taxonomy", "value": {"start": 0, "end": 3, "taxonomy": [["a"]]}},
                {"id": "Ann", "from_name": "n", "to_name": "txt", "type": "textarea", "value": {"start": 0, "end": 3, "text": ["note"]}},
            )
        ],
        [[[ANN]]],
    ),
    "ai4privacy placeholders": ("a.jsonl", [{"masked_text": "[FIRSTNAME_1]", "unmasked_text": TEXT, "privacy_mask": {"[FIRSTNAME_1]": "Ann"}}], [[[ANN]]]),
    "no-break space in a token": ("a.conll", "1\u00a0000 O\nAnn B-FIRSTNAME\n", [[[ANN]]]),
    "rows by id": ("a.json", {"x": {"text": TEXT, "label": [[0, 3, "FIRSTNAME"]]}, "y": {"text": "Bo left", "label": [[0, 2, "FIRSTNAME"]]}}, [[[ANN]], [[BO]]]),
    "rows by column": ("a.json", {"text": [TEXT], "label": [[[0, 3, "FIRSTNAME"]]]}, [[[ANN]]]),
    "rows by column and index": ("a.json", {"text": {"0": TEXT}, "label": {"0": [[0, 3, "FIRSTNAME"]]}}, [[[ANN]]]),
    "rows split from their columns": ("a.json", {"columns": ["text", "label"], "index": [0], "data": [[TEXT, [[0, 3, "FIRSTNAME"]]]]}, [[[ANN]]]),
    "comprehend": ("a.jsonl", [{"text": TEXT, "Entities": [{"BeginOffset": 0, "EndOffset": 3, "Type": "FIRSTNAME"}]}], [[[ANN]]]),
    "table of spans": ("a.csv", "text,Start,End,Label\nAnn met,0,3,FIRSTNAME\nBo met Ann,0.0,2.0,FIRSTNAME\nBo met Ann,7,10,FIRSTNAME\nNobody,,,\n", [[[ANN]], [[BO, ANN]], [[]]]),
    "spans with labels as objects": ("a.jsonl", [{"text": TEXT, "entities": [{"start_pos": 0, "end_pos": 3, "labels": [{"value": "FIRSTNAME"}]}]}], [[[ANN]]]),
    "values under labels": ("a.jsonl", [{"text": TEXT, "labels": {"FIRSTNAME": ["Ann", "Bo"], "CITY": ["Rome"]}}], [[[ANN, BO, ROME]]]),
    "cluener": ("a.jsonl", [{"text": TEXT, "label": {"FIRSTNAME": {"Ann": [[0, 2]], "Bo": [[12, 13]]}}}], [[[ANN, BO]]]),
    "tags in the text": ("a.jsonl", [{"text": "<FIRSTNAME>Ann</FIRSTNAME> met <b>Bo</b>."}], [[[ANN]]]),
    "rows of the hub's viewer": ("a.json", {"features": [], "rows": [{"row_idx": 0, "row": {"text": TEXT, "spans": [span("Ann", "FIRSTNAME")]}}]}, [[[ANN]]]),
    "old Macintosh": ("a.csv", "text,start,end,label\rAnn met,0,3,FIRSTNAME\r", [[[ANN]]]),
    "spacy annotator": ("a.json", {"classes": ["X"], "annotations": [[TEXT, {"entities": [[0, 3, "FIRSTNAME"]]}]]}, [[[ANN]]]),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_variants_are_read(tmp_path: Path, case: str) -> None:
    name, content, expected = FILES[case]
    samples, errors, _ = read_content(tmp_path, name, content)
    assert ([surfaces(sample) for sample in samples], errors) == (expected, [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_tables_in_utf_16_are_read(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    (tmp_path / "a.csv").write_bytes(
        f"{mark}text\tstart\tend\tlabel\r\nAnn met Bo\t0\t3\tFIRSTNAME\r\n".encode(encoding)
    )
    (sample,), errors, _ = read(tmp_path / "a.csv")
    assert (surfaces(sample), errors) == ([[ANN]], [])


@pytest.mark.parametrize("control", ["label", "ner"])
def test_what_is_said_of_a_region_is_kept(tmp_path: Path, control: str) -> None:
    noted = {**region("Ann", "FIRSTNAME"), "from_name": control, "to_name": "text", "meta": {"text": ["a pseudonym"]}}
    (sample,), errors, _ = read_content(tmp_path, "a.json", [task(noted)])
    assert (surfaces(sample), errors) == ([[ANN]], [])
    assert "a pseudonym" in f"{sample.annotations[0].other} {sample.provenance.get('features')}"


def test_answers_about_a_region_are_kept(tmp_path: Path) -> None:
    (sample,), _, _ = read_content(tmp_path, *FILES["answers about a region"][:2])
    assert [item["type"] for item in sample.provenance["fields"]["other_results"]] == ["taxonomy", "textarea"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([{"id": 1, "text": TEXT, "annotations": [{"label": 8, "start_offset": 0, "end_offset": 3}]}], "a number for a label"),
        ([{"document": TEXT, "tokens": [{"text": "Ann", "start": 0, "end": 3, "entityLabel": "FIRSTNAME"}]}], "not read"),
        ([{"text": TEXT, "meta": {"raw": {"entities": {"PER": ["Ann"]}}}}], "in a form that is not read"),
        ([task({"type": "paragraphlabels", "value": {"start": "0", "end": "0", "startOffset": 0, "endOffset": 3}}, talk=[])], "studio adopt"),
        ([task(region("Ann", "FIRSTNAME"), {**region("Bo", "FIRSTNAME"), "value": {"start": 0, "end": 2, "text": "Bo", "labels": ["FIRSTNAME"]}}, title="Bo wins", note=TEXT)], "text"),
        ([{"%FEATURE_STRUCTURES": [*CAS, {"%ID": 2, "%TYPE": "x.NamedEntity", "begin": 0, "end": 3}]}], "NamedEntity"),
        ([{"text": TEXT, "entities": [[0, 3, "FIRSTNAME"]], "spans": [span("Rome", "CITY")]}], "several keys"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_refused_by_name(tmp_path: Path, content: list[Any], reason: str) -> None:
    samples, errors, _ = read_content(tmp_path, "a.jsonl", content)
    assert samples == []
    assert reason in errors[0].reason


def test_prodigy_relations_end_at_spans_or_tokens(tmp_path: Path) -> None:
    spans = [span("Ann", "FIRSTNAME", token_start=0, token_end=0), span("Bo", "FIRSTNAME", token_start=3, token_end=3)]
    row = {**HASHES, "tokens": TOKENS, "spans": spans, "answer": "accept"}
    relations = [
        {"head": 0, "child": 3, "label": "COREF"},
        {"head": 0, "child": 2, "label": "AGENT", "child_span": {"start": 8, "end": 11, "label": None}},
    ]
    (sample,), errors, _ = read_content(tmp_path, "a.jsonl", [{**row, "relations": relations}])
    assert errors == []
    (cluster,) = sample.annotations[0].clusters.values()
    assert [sample.text[m.start : m.end] for m in cluster] == ["Ann", "Bo"]
    assert sample.provenance["relations"] == [{"from": (0, 3), "to": "8-11", "label": "AGENT"}]


def test_nested_brackets_of_corefud_are_read(tmp_path: Path) -> None:
    (sample,), errors, _ = read_content(tmp_path, "a.conllu", GUM)
    assert errors == []
    clusters = [[sample.text[m.start : m.end] for m in members] for members in sample.annotations[0].clusters.values()]
    assert sample.text == "Ann Lee's dog ran.\nShe slept."
    assert clusters == [["Ann Lee's dog"], ["Ann Lee's", "She"]]


def test_brat_keeps_events_and_remarks(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.txt").write_text(TEXT)
    remarks = ["A1\tNegation T1", "N1\tReference T2 Wikipedia:25458\tRome", "#1\tAnnotatorNotes T1\tnice"]
    lines = ["T1\tFIRSTNAME 0 3\tAnn", "T2\tCITY 18 22\tRome", "T3\tSURNAME 4 5;5 7\tL ee", "E1\tCITY:T2 Who:T1"]
    (tmp_path / "deep" / "x.ann").write_text("\n".join([*lines, *remarks, ""]).replace("L ee", "Lee"))
    (sample,), errors, _ = read(tmp_path)
    assert (surfaces(sample), errors) == ([[ANN, LEE, ROME]], [])
    assert sample.provenance["relations"] == [{"from": (18, 22), "to": (0, 3), "label": "Who"}]
    assert [line for lines in sample.provenance["fields"].values() for line in lines] == remarks


ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
LAYERS_TSV = f"""#FORMAT=WebAnno TSV 3.3
#T_SP=de.POS|coarseValue|PosValue
#T_SP=de.Lemma|value
#T_SP={ENTITY}|identifier|value|checked


#Text=🎉 Ann Lee.
1-1\t0-2\t🎉\t_\t_\t_\t_\t_\t_\t
1-2\t3-6\tAnn\tPROPN\tNE\tAnn\thttp://w/Q1[1]\tFIRSTNAME[1]\ttrue[1]\t
1-3\t7-10\tLee\tPROPN\tNE\tLee\t*\tSURNAME\t_\t
1-4\t10-11\t.\t_\t_\t_\t_\t_\t_\t
"""
LAYERS_CAS = {
    "%FEATURE_STRUCTURES": [
        {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaString": "🎉 Ann Lee."},
        {"%ID": 2, "%TYPE": "de.Token", "@sofa": 1, "begin": 3, "end": 6},
        {"%ID": 3, "%TYPE": "de.POS", "@sofa": 1, "begin": 3, "end": 6, "PosValue": "NE"},
        {"%ID": 4, "%TYPE": "de.POS", "@sofa": 1, "begin": 7, "end": 10, "PosValue": "NE"},
        {"%ID": 5, "%TYPE": "de.Lemma", "@sofa": 1, "begin": 3, "end": 6, "value": "Ann"},
        {"%ID": 6, "%TYPE": "de.Lemma", "@sofa": 1, "begin": 7, "end": 10, "value": "Lee"},
        {
            "%ID": 7,
            "%TYPE": ENTITY,
            "begin": 3,
            "end": 6,
            "value": "FIRSTNAME",
            "identifier": "http://w/Q1",
            "checked": "true",
        },
        {"%ID": 8, "%TYPE": ENTITY, "begin": 7, "end": 10, "value": "SURNAME"},
    ]
}


@pytest.mark.parametrize(("name", "content"), [("a.tsv", LAYERS_TSV), ("a.json", LAYERS_CAS)])
def test_other_features_are_kept_and_other_layers_counted(tmp_path: Path, name: str, content: Any) -> None:
    (sample,), errors, report = read_content(tmp_path, name, content)
    assert (surfaces(sample), errors) == ([[ANN, LEE]], [])
    assert report.left_out == {"POS": 2, "Lemma": 2}
    features = {"identifier": "http://w/Q1", "checked": "true"}
    assert sample.provenance["features"] == [{"start": 2, "end": 5, "label": "FIRSTNAME", "features": features}]


def test_webanno_keeps_relations_and_chains(tmp_path: Path) -> None:
    header = "#FORMAT=WebAnno TSV 3.2\n#T_SP=custom.Person|value\n#T_RL=custom.Rel|label|BT_custom.Person\n"
    chain = "#T_CH=de.CoreferenceLink|referenceType|referenceRelation\n\n\n"
    rows = [
        "#Text=Ann Lee met Bo.",
        "1-1\t0-3\tAnn\tSURNAME[1]\t_\t_\tnam[1]\tcoref->1-1\t",
        "1-2\t4-7\tLee\tSURNAME[1]\t_\t_\tnam[1]\tcoref->1-1\t",
        "1-3\t8-11\tmet\t_\t_\t_\t_\t_\t",
        "1-4\t12-14\tBo\tFIRSTNAME\tknows\t1-1[1_0]\tPRONOUN[1]\t*->1-2\t",
        "1-5\t14-15\t.\t_\t_\t_\t_\t_\t",
    ]
    (sample,), errors, _ = read_content(tmp_path, "a.tsv", header + chain + "\n".join([*rows, ""]))
    assert (surfaces(sample), errors) == ([[("Ann Lee", "SURNAME"), BO]], [])
    assert sample.provenance["relations"] == [{"from": (0, 7), "to": (12, 14), "label": "knows"}]
    (cluster,) = sample.annotations[0].clusters.values()
    assert [(sample.text[m.start : m.end], m.label) for m in cluster] == [("Ann Lee", "MENTION"), ("Bo", "PRONOUN")]


@pytest.mark.parametrize("name", ["webanno-tsv", "uima-cas"])
def test_inception_gets_back_what_it_was_given(tmp_path: Path, name: str) -> None:
    text = "🎉 Ann\r\n\nmet  Bo Lee.\n  She [left] it_all|here.\n"
    words = [
        ("Ann", "MENTION", "a"),
        ("She", "PRONOUN", "a"),
        ("Bo Lee", "MENTION", "b"),
        ("it_all|here", "REFERENCE", "b"),
    ]
    places = [(text.index(word), text.index(word) + len(word)) for word, _, _ in words]
    mentions = tuple(Mention(*place, kind, cluster) for place, (_, kind, cluster) in zip(places, words, strict=True))
    entities = (Entity(*places[0], "FIRSTNAME"), Entity(*places[2], "SURNAME"))
    annotation = Annotation(Author.model("m"), entities, sort_spans(mentions))
    export_samples(name, tmp_path / "out", [Sample(text, "en", annotations=(annotation,))], LABELS)
    (back,), errors, _ = read(tmp_path / "out")
    assert (back.text, errors) == (text, [])
    assert back.annotations[0].entities == entities
    found = [{m.span for m in members} for members in back.annotations[0].clusters.values()]
    assert found == [{m.span for m in members} for members in annotation.clusters.values()]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,start,end,label,annotator\nAnn in Rome,0,3,FIRSTNAME,a\nAnn in Rome,7,11,CITY,b\n"),
        ("a.csv", "text,value,label,Annotator ID\nAnn in Rome,Ann,FIRSTNAME,a\nAnn in Rome,Rome,CITY,b\n"),
        ("a.csv", "sentence_id,token,tag,annotator\n" + "".join(
            f"1,{token},{tag},{person}\n"
            for person, tags in (("a", ("B-FIRSTNAME", "O", "O")), ("b", ("O", "O", "B-CITY")))
            for token, tag in zip(("Ann", "in", "Rome"), tags, strict=True)
        )),
        ("a.csv", "sentence_id,token,tag,annotator\n" + "".join(
            f"1,{token},{tag},{person}\n"
            for token, tags in (("Ann", ("B-FIRSTNAME", "O")), ("in", ("O", "O")), ("Rome", ("O", "B-CITY")))
            for person, tag in zip("ab", tags, strict=True)
        )),
        ("a.jsonl", [{"text": "Ann in Rome", "spans": [[0, 3, "FIRSTNAME"]], "annotator": "a"},
                     {"text": "Ann in Rome", "spans": [[7, 11, "CITY"]], "annotator": "b"}]),
    ],
)  # fmt: skip
def test_annotators_that_a_column_names_stay_apart(tmp_path: Path, name: str, content: Any) -> None:
    (sample,), errors, report = read_content(tmp_path, name, content)
    assert (errors, report.joined, sample.text) == ([], 1, "Ann in Rome")
    assert [(one.author.name, [e.label for e in one.entities]) for one in sample.annotations] == [
        ("a", ["FIRSTNAME"]),
        ("b", ["CITY"]),
    ]


def test_files_of_one_annotator_each_become_one_data_set(tmp_path: Path) -> None:
    for name, label in (("ann", [[0, 3, "FIRSTNAME"]]), ("bob", [[4, 7, "SURNAME"]])):
        rows = [{"text": TEXT, "label": label}, {"text": f"Only {name}", "label": []}]
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    report, errors = ImportReport(), list[RecordError]()
    options = ImportOptions(language="en", annotator_by_file=True)
    files = [tmp_path / "ann.jsonl", tmp_path / "bob.jsonl", tmp_path / "ann.jsonl"]
    both, *others = import_files(files, LABELS, options, errors.append, report)
    assert surfaces(both) == [[ANN], [LEE]]
    assert [annotation.author.name for annotation in both.annotations] == ["ann", "bob"]
    assert [sample.text for sample in others] == ["Only ann", "Only bob"]
    assert (report.rows, report.samples, report.joined, len(errors)) == (6, 3, 1, 2)
