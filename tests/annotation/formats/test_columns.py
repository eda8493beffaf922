from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.importing import ImportOptions, import_files
from goldspan.annotation.types import Sample
from tests.strategies import LABELS


def read(path: Path, content: str, **options: str) -> tuple[list[Sample], list[RecordError]]:
    path.write_text(content)
    errors: list[RecordError] = []
    return list(import_files([path], LABELS, ImportOptions(language="en", **options), errors.append)), errors


def surfaces(sample: Sample) -> list[tuple[str, str]]:
    return [(sample.text[e.start : e.end], e.label) for e in sample.annotations[0].entities]


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
    (sample,), errors = read(tmp_path / "a.conll", content)
    assert (sample.text, surfaces(sample), errors) == (text, expected, [])


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
