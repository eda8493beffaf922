from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.importing import ImportOptions, import_files
from goldspan.annotation.types import Sample
from tests.strategies import LABELS


def read(path: Path, content: str, **options: Any) -> tuple[list[Sample], list[RecordError]]:
    path.write_text(content)
    errors: list[RecordError] = []
    return list(import_files([path], LABELS, ImportOptions(language="en", **options), errors.append)), errors


def surfaces(sample: Sample) -> list[tuple[str, str]]:
    return [(sample.text[e.start : e.end], e.label) for e in sample.annotations[0].entities]


def write_words(*words: str) -> str:
    return "".join(f"{number}\t{word}" + "\t_" * 8 + "\n" for number, word in enumerate(words, start=1))


@pytest.mark.parametrize(
    ("content", "text", "expected"),
    [
        (
            "-DOCSTART- -X- -X- O\n\nAnn NNP I-NP I-FIRSTNAME\nLee NNP I-NP I-SURNAME\n",
            "Ann Lee",
            [("Ann", "FIRSTNAME"), ("Lee", "SURNAME")],
        ),
        ("Ann NNP B-NP B-FIRSTNAME\nmet VBD B-VP O\n", "Ann met", [("Ann", "FIRSTNAME")]),
        ("-DOCSTART- -X- O\nAnn -X- _ B-FIRSTNAME\nmet -X- _ O\n", "Ann met", [("Ann", "FIRSTNAME")]),
        ("New B-CITY\nYork L-CITY\nAnn U-FIRSTNAME\n", "New York Ann", [("New York", "CITY"), ("Ann", "FIRSTNAME")]),
        ("New B-CITY\nYork E-CITY\nAnn S-FIRSTNAME\n", "New York Ann", [("New York", "CITY"), ("Ann", "FIRSTNAME")]),
        ("A I-CITY\nB B-CITY\n", "A B", [("A", "CITY"), ("B", "CITY")]),
        ("# O\n1 O\nAnn B-FIRSTNAME\nwins O\n", "# 1 Ann wins", [("Ann", "FIRSTNAME")]),
        ("#Ann B-FIRSTNAME\nwins O\n\n", "#Ann wins", [("#Ann", "FIRSTNAME")]),
        ("Ann\tB-FIRSTNAME\n#win\tO\n#Rome\tB-CITY\n", "Ann #win #Rome", [("Ann", "FIRSTNAME"), ("#Rome", "CITY")]),
        ("#\tX\t=\tO\nRome\tN\tI-NP\tB-CITY\n", "# Rome", [("Rome", "CITY")]),
        ("# text = O\nRome N I-NP B-CITY\n", "Rome", [("Rome", "CITY")]),
        ("# Rome is B-CITY here\nRome B-CITY\n", "Rome", [("Rome", "CITY")]),
        ("#Ann\tPERSON\nmet\tO\nAnn\tPERSON\n", "#Ann met Ann", [("#Ann", "FIRSTNAME"), ("Ann", "FIRSTNAME")]),
        ("# O\n", "#", []),
        ("12 -X- -X- O\n", "12", []),
        ("1\t-" + "\t_" * 8 + "\n", "-", []),
        ('# text = "Hi" Ann\n' + write_words('"', "Hi", '"', "Ann"), '"Hi" Ann', []),
        ('# text = "Hi"\n' + write_words('"', "Hi", '"'), '"Hi"', []),
        ('# text = "\\"Hi"\n' + write_words('"', "Hi"), '"Hi', []),
        ("山 B-SURNAME\n田 I-SURNAME\nさ O\nん O\n", "山田さん", [("山田", "SURNAME")]),
        (
            "#\thttp://x.y\t[2010-01-01]\n1\tAnn\tB-FIRSTNAME\tO\n2\tLee\tB-SURNAME\tB-CITY\n",
            "Ann Lee",
            [("Ann", "FIRSTNAME"), ("Lee", "SURNAME")],
        ),
        (
            "Ann\tB-FIRSTNAME\tO\tO\nmet\tO\tO\tO\nRome\tO\tB-CITY\tO\n",
            "Ann met Rome",
            [("Ann", "FIRSTNAME"), ("Rome", "CITY")],
        ),
    ],
)
def test_columns_of_others(tmp_path: Path, content: str, text: str, expected: list[tuple[str, str]]) -> None:
    (sample,), errors = read(tmp_path / "a.conll", content, labels_map={"PERSON": "FIRSTNAME"})
    assert (sample.text, surfaces(sample), errors) == (text, expected, [])


def test_a_sentence_of_one_number_is_no_count(tmp_path: Path) -> None:
    samples, errors = read(tmp_path / "a.conll", "Ann NNP I-NP B-FIRSTNAME\n\n1996 CD I-NP O\n")
    assert ([sample.text for sample in samples], errors) == (["Ann", "1996"], [])


def test_a_bad_sentence_is_refused_alone(tmp_path: Path) -> None:
    content = "Ann\tB-FIRSTNAME\nmet\tO\n\nBo\tB-FIRSTNAME\nis\tB-THING\n\nCy\tB-FIRSTNAME\nran\tO\n"
    samples, errors = read(tmp_path / "a.conll", content)
    assert [sample.text for sample in samples] == ["Ann met", "Cy ran"]
    assert [error.line for error in errors] == [4]
    assert "THING" in errors[0].reason


def test_lower_case_labels_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Rome\tB-location\n")
    options = ImportOptions(language="en", labels_map={"location": "CITY"})
    (sample,) = import_files([tmp_path / "a.conll"], LABELS, options)
    assert surfaces(sample) == [("Rome", "CITY")]


def test_conll_2012_documents(tmp_path: Path) -> None:
    row = "d 0 {n} {word} X * - - - - {ne} {coref}"
    words = [("Ann", "(FIRSTNAME)", "(1)"), ("left", "*", "-")], [("She", "*", "(1)"), ("smiled", "*", "-")]
    lines = ["#begin document (d); part 000"]
    for sentence in words:
        lines += [row.format(n=n, word=w, ne=e, coref=c) for n, (w, e, c) in enumerate(sentence)] + [""]
    (sample,), errors = read(tmp_path / "a.conll", "\n".join([*lines, "#end document", ""]))
    assert (sample.text, errors) == ("Ann left\nShe smiled", [])
    assert surfaces(sample) == [("Ann", "FIRSTNAME")]
    assert [sample.text[m.start : m.end] for m in sample.annotations[0].clusters["1"]] == ["Ann", "She"]


def write_conll_2012(*tokens: tuple[str, str, str]) -> str:
    rows = (f"d 0 {n} {word} X * - - - - {entity} {chain}" for n, (word, entity, chain) in enumerate(tokens))
    return "\n".join(["#begin document (d); part 000", *rows, "", "#end document", ""])


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        ([("Ann", "(FIRSTNAME*", "-"), ("left", "*", "-")], "the named entity FIRSTNAME has no end"),
        ([("Ann", "*)", "-"), ("left", "*", "-")], "a bracket closes no named entity"),
        ([("Ann", "*", "(1"), ("left", "*", "-")], "a mention has no end"),
        ([("Ann", "*", "1)"), ("left", "*", "-")], "a bracket closes no mention"),
        ([("[WORD]", "(FIRSTNAME)", "-"), ("[WORD]", "*", "-")], "skeleton2conll"),
    ],
)
def test_broken_brackets_of_conll_2012_are_refused(
    tmp_path: Path, tokens: list[tuple[str, str, str]], reason: str
) -> None:
    samples, (error,) = read(tmp_path / "a.conll", write_conll_2012(*tokens))
    assert not samples
    assert reason in error.reason


def test_ontonotes_files_are_recognised_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "bc").mkdir()
    content = write_conll_2012(("Ann", "(FIRSTNAME)", "-"), ("left", "*", "-"))
    (tmp_path / "bc" / "cnn_0001.v4_gold_conll").write_text(content)
    (sample,) = import_files([tmp_path], LABELS, ImportOptions(language="en"))
    assert surfaces(sample) == [("Ann", "FIRSTNAME")]


def test_mentions_of_corefud_that_are_not_read_are_counted(tmp_path: Path) -> None:
    rows = [
        ("1", "Ann", "Entity=(e1-person-1-)"),
        ("1.1", "_", "Entity=(e1-person-1-)"),
        ("2", "both", "Entity=(e2[1/2]-group-1-)"),
        ("3", "and", "Entity=(e1-person-1-"),
        ("3.1", "_", "Entity=e1)"),
        ("4", "Bo", "Entity=(e2[2/2]-group-1-)"),
        ("5", "she", "Entity=(e1-person-1-)"),
    ]
    lines = (f"{number}\t{word}\t_\tX\t_\t_\t0\tx\t_\t{last}" for number, word, last in rows)
    (sample,), errors = read(tmp_path / "a.conllu", "# newdoc id = d\n" + "\n".join(lines) + "\n")
    mentions = [(sample.text[m.start : m.end], m.cluster) for m in sample.annotations[0].mentions]
    assert (mentions, errors) == ([("Ann", "1"), ("she", "1")], [])
    assert sample.provenance["left_out"] == {"mention in several parts": 1, "mention of an empty node": 2}


def test_conll_u_entities(tmp_path: Path) -> None:
    content = (
        "# newdoc id = d\n# sent_id = 1\n# text = Ann left.\n"
        "1\tAnn\tAnn\tPROPN\tNNP\t_\t2\tnsubj\t_\tEntity=(e1-person-1-)\n"
        "2\tleft\tleave\tVERB\tVBD\t_\t0\troot\t_\tSpaceAfter=No\n3\t.\t.\tPUNCT\t.\t_\t2\tpunct\t_\t_\n\n"
        "# sent_id = 2\n1\tThe\tthe\tDET\tDT\t_\t2\tdet\t_\tEntity=(e1-person-2-\n"
        "2\tpilot\tpilot\tNOUN\tNN\t_\t0\troot\t_\tEntity=e1)\n"
    )
    (sample,), errors = read(tmp_path / "a.conllu", content)
    assert (sample.text, errors) == ("Ann left.\nThe pilot", [])
    assert [sample.text[m.start : m.end] for m in sample.annotations[0].clusters["1"]] == ["Ann", "The pilot"]


def test_brat_and_webanno(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.txt").write_text("Ann met Bo. She left.")
    (tmp_path / "b" / "x.ann").write_text(
        "T1\tFIRSTNAME 0 3\tAnn\nT2\tPRONOUN 12 15\tShe\nR1\tCoref Arg1:T2 Arg2:T1\nA1\tNegated T1\n"
    )
    (sample,) = import_files([tmp_path / "b"], LABELS, ImportOptions(language="en"))
    assert surfaces(sample) == [("Ann", "FIRSTNAME")]
    assert [len(cluster) for cluster in sample.annotations[0].clusters.values()] == [2]
    content = (
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.NamedEntity|identifier|value\n\n\n#Text=😀 New York is big\n"
        "1-1\t0-2\t😀\t_\t_\n1-2\t3-6\tNew\t*[1]\tCITY[1]\n1-3\t7-11\tYork\t*[1]\tCITY[1]\n1-4\t12-14\tis\t_\t_\n1-5\t15-18\tbig\t_\t_\n"
    )
    (sample,), errors = read(tmp_path / "a.tsv", content)
    assert (sample.text, surfaces(sample), errors) == ("😀 New York is big", [("New York", "CITY")], [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("T1\tFIRSTNAME 0 3;5 8\tAnn\n", "several parts"),
        ("T1\tFIRSTNAME 0 3\tBob\n", "cut out"),
        ("E1\tX:T1\n", "no span"),
    ],
)
def test_brat_that_cannot_be_read_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "x.txt").write_text("Ann met Bo.")
    samples, errors = read(tmp_path / "x.ann", content)
    assert samples == []
    assert reason in errors[0].reason
