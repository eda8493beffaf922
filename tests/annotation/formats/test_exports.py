from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.csv_spans import write_csv
from goldspan.annotation.formats.importing import ImportOptions, import_files
from goldspan.annotation.formats.registry import FORMATS, export_samples
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans
from tests.strategies import LABELS


def make(text: str, *entities: tuple[str, str], mentions: tuple[tuple[str, str, str], ...] = ()) -> Sample:
    spans = [Entity(text.index(value), text.index(value) + len(value), label) for value, label in entities]
    layer = [Mention(text.index(v), text.index(v) + len(v), kind, cluster) for v, kind, cluster in mentions]
    annotation = Annotation(Author.model("m-1"), sort_spans(spans), sort_spans(layer))
    return Sample(text, "en", annotations=(annotation,), sample_id=make_sample_id(text, "en"))


SAMPLES = [
    make("Ann Lee met Bo in Rome .", ("Ann", "FIRSTNAME"), ("Lee", "SURNAME"), ("Bo", "FIRSTNAME"), ("Rome", "CITY"),
         mentions=(("Ann Lee", "MENTION", "1"), ("Bo", "MENTION", "1"))),
    make("👩‍💻 Zoë 🇫🇷 met محمد.\r\n  She\u2028likes it 😀!", ("Zoë", "FIRSTNAME"), ("محمد", "FIRSTNAME")),
    make("李明住在北京。", ("李明", "FIRSTNAME"), ("北京", "CITY")),
    make("nothing here at all"),
]  # fmt: skip
READABLE = [name for name in FORMATS if name != "csv"]


def values(sample: Sample) -> list[tuple[str, str]]:
    return sorted((sample.text[e.start : e.end], e.label) for a in sample.annotations for e in a.entities)


@pytest.mark.parametrize("name", READABLE)
def test_every_format_is_recognised_and_read_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"out{FORMATS[name].suffix}"
    report = export_samples(name, path, SAMPLES, LABELS)
    errors: list[RecordError] = []
    back = list(import_files([path], LABELS, ImportOptions(language="en"), errors.append))
    assert (report.samples, len(back), errors) == (len(SAMPLES), len(SAMPLES), [])
    if "text_form" not in report.losses:
        assert sorted(s.text for s in back) == sorted(s.text for s in SAMPLES)
    assert sorted(map(values, back)) == sorted(map(values, SAMPLES))
    mentions = sum(len(a.mentions) for s in back for a in s.annotations)
    assert mentions == (0 if "mentions" in report.losses else 2)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    sample = replace(make("=1+1 and @x", ("=1+1", "PASSWORD")), sample_id="-id")
    write_csv(tmp_path / "a.csv", [sample])
    assert (tmp_path / "a.csv").read_text().splitlines()[1].startswith("'-id,en,entity,0,4,PASSWORD,,'=1+1,")


def test_an_id_cannot_add_lines_to_columns(tmp_path: Path) -> None:
    sample = replace(SAMPLES[0], sample_id="x\nEVIL B-FIRSTNAME")
    for name in ("conll", "bioes", "conll2012", "conllu"):
        export_samples(name, tmp_path / name, [sample], LABELS)
        assert not any(line.startswith("EVIL") for line in (tmp_path / name).read_text().splitlines())


def test_label_studio_export_holds_every_annotation(tmp_path: Path) -> None:
    author = Annotation(Author.person("1"), SAMPLES[0].annotations[0].entities)
    sample = replace(SAMPLES[0], annotations=(*SAMPLES[0].annotations, author), provenance={"run": "r"})
    export_samples("label-studio", tmp_path / "a.json", [sample], LABELS)
    (task,) = json.loads((tmp_path / "a.json").read_text())
    assert (len(task["predictions"]), len(task["annotations"]), task["data"]["provenance"]) == (1, 1, {"run": "r"})


def test_brackets_lose_only_mentions_that_cross_in_their_cluster(tmp_path: Path) -> None:
    mentions = [
        Mention(start, end, "MENTION", cluster)
        for start, end, cluster in (
            (0, 6, "a"),
            (4, 9, "a"),
            (4, 9, "b"),
            (6, 8, "a"),
            (0, 9, "a"),
            (7, 9, "b"),
            (8, 12, "a"),
        )
    ]
    kept = sort_spans(mentions)
    crossing = [
        m for n, m in enumerate(kept)
        if any(o.cluster == m.cluster and m.start < o.end < m.end for o in kept[:n])
    ]  # fmt: skip
    sample = Sample("abcd efgh ijkl", "en", annotations=(Annotation(Author.model("m"), (), kept),))
    report = export_samples("conll", tmp_path / "x", [sample], LABELS)
    assert report.losses["crossing_mentions"] == len(crossing) == 2


def test_a_span_beyond_the_text_does_not_stop_an_export(tmp_path: Path) -> None:
    sample = Sample("Ann", "en", annotations=(Annotation(Author.model("m"), (Entity(5, 9, "FIRSTNAME"),)),))
    export_samples("conll", tmp_path / "x", [sample], LABELS)
    assert "Ann\tO" in (tmp_path / "x").read_text()


@pytest.mark.parametrize("name", ["kiji", "jsonl"])
def test_an_export_names_what_it_refuses_and_goes_on(tmp_path: Path, name: str) -> None:
    errors: list[RecordError] = []
    strange = {"kiji": replace(SAMPLES[0], language="English"), "jsonl": Sample("a \ud800", "en")}[name]
    target = tmp_path / f"out{FORMATS[name].suffix}"
    report = export_samples(name, target, [SAMPLES[0], strange, SAMPLES[1]], LABELS, errors.append)
    assert report.samples == len(list(import_files([target], LABELS))) == 2
    assert [error.file.startswith("sample 2") for error in errors] == [True]
