from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from goldspan.annotation.errors import InputError, RecordError, StateError, UnknownNameError
from goldspan.annotation.formats.conll import write_conll
from goldspan.annotation.formats.csv_spans import COLUMNS, write_csv
from goldspan.annotation.formats.exports import encode_flat, write_lines
from goldspan.annotation.formats.importing import ImportOptions, import_files
from goldspan.annotation.formats.kiji import read_kiji, write_kiji
from goldspan.annotation.formats.loss import LOSSES
from goldspan.annotation.formats.registry import FORMATS, export_samples
from goldspan.annotation.formats.spacy_docbin import write_docbin
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.tasks.store import prepare_task
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans
from tests.strategies import LABELS, samples

EMOJI = "👩‍💻 Zoë 🇫🇷 met محمد علي in ירושלים.\r\n  She\u2028likes it 😀!"


def name_clusters(annotation: Annotation) -> list[tuple[int, int, str]]:
    """Clustered mentions, with clusters numbered in text order."""
    numbers: dict[str, str] = {}
    spans = [m for m in sort_spans(annotation.mentions) if m.cluster]
    return [(m.start, m.end, numbers.setdefault(m.cluster, str(len(numbers)))) for m in spans]


def is_clean(sample: Sample) -> bool:
    """No white space at the edges, no two mentions of one cluster at one place."""
    best = sample.annotations[0]
    spans = [*best.entities, *best.mentions]
    sound = all(not sample.text[s.start].isspace() and not sample.text[s.end - 1].isspace() for s in spans)
    return sound and len({(m.start, m.end) for m in best.mentions}) == len(best.mentions)


def sound_samples() -> st.SearchStrategy[Sample]:
    """Samples that may be written to the store."""

    def is_sound(sample: Sample) -> bool:
        try:
            prepare_task(sample, LABELS)
        except RecordError:
            return False
        return is_clean(sample)

    return samples().filter(is_sound)


def read_back(path: Path, language: str = "") -> list[Sample]:
    return list(import_files([path], LABELS, ImportOptions(language=language)))


def distinct_samples(most: int) -> st.SearchStrategy[list[Sample]]:
    return st.lists(sound_samples(), min_size=1, max_size=most, unique_by=lambda sample: (sample.text, sample.language))


def emoji_sample() -> Sample:
    def span(surface: str) -> tuple[int, int]:
        start = EMOJI.index(surface)
        return start, start + len(surface)

    entities = [
        Entity(*span("Zoë"), "FIRSTNAME"),
        Entity(*span("محمد"), "FIRSTNAME"),
        Entity(*span("علي"), "SURNAME"),
        Entity(*span("ירושלים"), "CITY"),
    ]
    mentions = [Mention(*span("محمد علي"), "MENTION", "1"), Mention(*span("She"), "PRONOUN", "1")]
    annotation = Annotation(Author.model("m-1"), sort_spans(entities), sort_spans(mentions))
    return Sample(EMOJI, "en", "FR", "note", (annotation,), {}, make_sample_id(EMOJI, "en"))


@given(distinct_samples(3), st.sampled_from(["bio", "bioes"]))
def test_conll(drawn: list[Sample], scheme: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.conll"
        report = write_conll(path, drawn, scheme)
        back = read_back(path)
    assert report.samples == len(drawn)
    assert [sample.text for sample in back] == [sample.text for sample in drawn]
    assert [sample.language for sample in back] == [sample.language for sample in drawn]
    for sample, read in zip(drawn, back, strict=True):
        assert read.annotations[0].entities == sample.annotations[0].entities
        assert name_clusters(read.annotations[0]) == name_clusters(sample.annotations[0])


@given(distinct_samples(2))
def test_spacy(drawn: list[Sample]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.spacy"
        report = write_docbin(path, drawn)
        back = read_back(path)
    assert report.losses == {}
    expected = [replace(s, sample_id=make_sample_id(s.text, s.language)) for s in drawn]
    assert [replace(s, annotations=()) for s in back] == [replace(s, annotations=()) for s in expected]
    for sample, read in zip(drawn, back, strict=True):
        assert read.annotations[0].author == sample.annotations[0].author
        assert read.annotations[0].entities == sample.annotations[0].entities
        assert read.annotations[0].mentions == sample.annotations[0].mentions


@given(distinct_samples(3))
def test_flat_jsonl(drawn: list[Sample]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        assert write_lines(path, drawn, encode_flat).losses == {}
        back = read_back(path)
    expected = [
        replace(
            s,
            sample_id=make_sample_id(s.text, s.language),
            annotations=tuple(replace(a, score=None) for a in s.annotations),
        )
        for s in drawn
    ]
    assert [replace(sample, provenance={}) for sample in back] == [
        replace(sample, provenance={}) for sample in expected
    ]
    assert all(sample.provenance.items() <= read.provenance.items() for sample, read in zip(drawn, back, strict=True))


@given(
    distinct_samples(2),
    st.sampled_from(
        ["label-studio", "json-min", "prodigy", "doccano", "argilla", "spacy-json", "ai4privacy", "presidio", "tagged",
         "brat", "webanno-tsv", "uima-cas"]
    ),
)  # fmt: skip
@settings(max_examples=40)
def test_every_other_format_gives_texts_and_entities_back(drawn: list[Sample], name: str) -> None:
    assume(drawn and len({sample.text for sample in drawn}) == len(drawn))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"a{FORMATS[name].suffix}"
        report = export_samples(name, path, drawn, LABELS)
        assume("text_form" not in report.losses)
        back = {sample.text: sample for sample in read_back(path, "en")}
    assert back.keys() == {sample.text for sample in drawn}
    for sample in drawn:
        entities = {entity.span for one in back[sample.text].annotations for entity in one.entities}
        assert entities == {entity.span for entity in sample.annotations[0].entities}


@given(distinct_samples(2))
def test_kiji(drawn: list[Sample]) -> None:
    with TemporaryDirectory() as folder:
        write_kiji(Path(folder) / "k", drawn, LABELS)
        back = {} if not drawn else {s.sample_id: s for s in read_kiji([Path(folder) / "k"], LABELS)}
    assert len(back) == len(drawn)
    for sample in drawn:
        read = back[make_sample_id(sample.text, sample.language)]
        assert (read.text, read.language, read.country) == (sample.text, sample.language, sample.country)
        assert read.annotations[0].entities == sample.annotations[0].entities


@pytest.mark.parametrize("name", ["conll", "bioes", "spacy", "jsonl", "kiji"])
def test_offsets_stay_on_emoji_and_right_to_left_text(tmp_path: Path, name: str) -> None:
    sample = emoji_sample()
    path = tmp_path / f"out{FORMATS[name].suffix}"
    export_samples(name, path, [sample], LABELS)
    (back,) = read_back(path)
    assert back.text == EMOJI
    assert back.annotations[0].entities == sample.annotations[0].entities
    assert back.annotations[0].mentions[0].span == sample.annotations[0].mentions[0].span
    assert name_clusters(back.annotations[0]) == name_clusters(sample.annotations[0])


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    entities = (Entity(0, 7, "COMPANYNAME", id="x"), Entity(0, 3, "FIRSTNAME"))
    mentions = (Mention(0, 3, "REFERENCE"), Mention(8, 11, "PRONOUN", "c"))
    author = Author.person("1")
    readings = (Annotation(Author.model("m")), Annotation(author, entities, mentions, lead_time=3.0))
    sample = Sample("Ann Lee saw her .", "en", annotations=readings, provenance={"run": "r"})
    report = write_conll(tmp_path / "a.conll", [sample, Sample("Bo", "en")])
    assert report.losses == {
        "other_annotations": 1,
        "unannotated_samples": 1,
        "overlapping_entities": 1,
        "single_mentions": 1,
        "mention_kinds": 1,
        "span_details": 1,
        "review_details": 1,
        "provenance": 1,
    }
    assert all(LOSSES[name] in line for name, line in zip(report.losses, report.explain(), strict=True))


def test_csv_quotes_what_it_must(tmp_path: Path) -> None:
    text = 'A "b",\nc'
    annotation = Annotation(Author.model("m"), (Entity(0, len(text), "COMPANYNAME"),), (Mention(0, 1, "MENTION", "1"),))
    report = write_csv(tmp_path / "a.csv", [Sample(text, "en", annotations=(annotation,), sample_id="s1")])
    lines = (tmp_path / "a.csv").read_bytes().decode().split("\r\n")
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1] == 's1,en,entity,0,8,COMPANYNAME,,"A ""b"",\nc",m'
    assert lines[2] == "s1,en,mention,0,1,MENTION,1,A,m"
    assert report.losses == {"texts": 1}
    with pytest.raises(InputError, match="has no column 'text'"):
        read_back(tmp_path / "a.csv")
    with pytest.raises(UnknownNameError, match="conll"):
        export_samples("connl", tmp_path / "b", [], LABELS)


def test_conll_of_others_is_read(tmp_path: Path) -> None:
    path = tmp_path / "other.conll"
    path.write_text("Ann B-FIRSTNAME\nLee B-SURNAME\nin O\nNew B-CITY\nYork I-CITY\n\nBo S-FIRSTNAME\n")
    first, second = read_back(path, "en")
    assert first.text == "Ann Lee in New York"
    assert [e.span for e in first.annotations[0].entities] == [(0, 3, "FIRSTNAME"), (4, 7, "SURNAME"), (11, 19, "CITY")]
    assert second.annotations[0].entities == (Entity(0, 2, "FIRSTNAME"),)


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        ("Ann\n", "a token and a tag", 1),
        ("1\tAnn\tB-FIRSTNAME\n2\tran\n", "a token and a tag", 2),
        ("1\tAnn\n2\tran\n", "a token and a tag", 1),
        ("Ann B-NAME9\n", "not known", 1),
        ('# text = "Ann is"\nAnn O\nwas O\n', "does not come next", 3),
        ('# text = "Ann is"\nBo O\nis O\n', "does not come next", 2),
        ('# text = "Ann is old"\nAnn O\nwas O\nold O\n', "does not come next", 3),
        ('# text = "Ann\nAnn O\n', "JSON string", 1),
    ],
)
def test_broken_conll_is_named(tmp_path: Path, content: str, reason: str, line: int) -> None:
    path = tmp_path / "bad.conll"
    path.write_text(content)
    with pytest.raises(RecordError, match=reason) as caught:
        read_back(path)
    assert caught.value.line == line


def test_kiji_folder_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be written"):
        write_kiji(tmp_path / "file", [emoji_sample()], LABELS)
    write_kiji(tmp_path / "k", [replace(emoji_sample(), sample_id="../x")], LABELS)
    assert [path.name for path in (tmp_path / "k").iterdir()] == ["%2E.%2Fx.json"]


def test_kiji_own_files_are_read(tmp_path: Path) -> None:
    text = "Ann said she left."
    regions = [
        {"id": "a", "from_name": "label", "to_name": "text", "type": "labels",
         "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["FIRSTNAME"]}},
        {"id": "b", "from_name": "label", "to_name": "text", "type": "labels",
         "value": {"start": 9, "end": 12, "text": "she", "labels": []}},
        {"from_id": "b", "to_id": "a", "type": "relation", "direction": "right"},
    ]  # fmt: skip
    task = {"data": {"text": text, "language": "English"}, "predictions": [{"model_version": "1", "result": regions}]}
    (tmp_path / "x.json").write_text(json.dumps(task))
    (sample,) = read_kiji([tmp_path], LABELS)
    mentions = sample.annotations[0].clusters["1"]
    assert [(text[m.start : m.end], m.label) for m in mentions] == [("Ann", "MENTION"), ("she", "PRONOUN")]
