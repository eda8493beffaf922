"""A project's own phrases: its sentences carry the values and the clusters, and what does not fit is named."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from goldspan.annotation.checks import check_annotation
from goldspan.annotation.errors import SchemaError
from goldspan.annotation.labels.schema import LabelSchema, build_labels, load_labels
from goldspan.annotation.project import Purpose
from goldspan.annotation.templates import create_project, find_template, list_templates
from goldspan.annotation.types import Annotation, Author
from goldspan.generators.offline.author import compose_document
from goldspan.generators.offline.phrases import load_phrases
from goldspan.generators.offline.sentences import check_phrases
from goldspan.generators.specs.draw import draw_spec

SHIPS = {
    "labels": {
        "SHIP": {"name": "Ship", "kind": "none", "chance": 0.9, "terms": ["Aurora", "mir & co <2>"]},
        "PORT": {"name": "Port", "kind": "none", "chance": 0.9, "examples": ["Rotterdam", "Bergen"]},
    },
    "mentions": {"NAME": {"name": "Name"}, "PRONOUN": {"name": "Pronoun"}},
}
LIST = """\
intro = ["Log: "]
filler = ["the sea was <state>"]
state = ["calm", "rough"]
sentences = [
  '<m c="1" k="NAME">{SHIP}</m> [sailed|left] for {PORT}; <m c="1" k="PRONOUN">she</m> met [no ice|{SHIP}].',
  'Nothing was heard of {SHIP} & its crew.',
  '<m k="NAME"><SHIP>Fram</SHIP></m> is a museum.',
]
[logbook]
opening = ["Watch <n>.\\n"]
"""


def make_labels(folder: Path, **files: str) -> LabelSchema:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return replace(build_labels(SHIPS), purpose=Purpose("entities", "ships", "", ("logbook", "letter"), folder))


def test_values_and_clusters_stand_in_the_projects_sentences(tmp_path: Path) -> None:
    labels = make_labels(tmp_path, en=LIST)
    assert check_phrases(labels) == []
    carriers: Counter[str] = Counter()
    for index in range(200):
        spec = draw_spec(1, index, ["en"], labels, document_types=("logbook", "letter"))
        document = compose_document(spec, labels)
        assert compose_document(spec, labels) == document
        annotation = Annotation(Author.model("m"), document.entities, document.mentions)
        assert not check_annotation(document.text, annotation, labels, spec.language, spec.country), document.text
        assert document.text.startswith("Watch ") == (spec.document_type == "logbook")
        clusters: dict[str, list[str]] = {}
        for mention in document.mentions:
            clusters.setdefault(mention.cluster, []).append(document.text[mention.start : mention.end])
        assert {"Fram"} >= {*clusters.pop("", ())}
        assert all(len(words) == 2 and words[1] == "she" for words in clusters.values()), document.text
        assert document.text.count("; she met ") == len(clusters)
        carriers["own"] += document.text.count("Nothing was heard") + len(document.mentions)
        carriers["entities"] += len(document.entities)
    assert carriers["own"] > 0.4 * carriers["entities"]


def test_other_languages_and_projects_keep_the_built_in_phrases(tmp_path: Path) -> None:
    labels = make_labels(tmp_path, en=LIST)
    spec = draw_spec(1, 0, ["de"], labels, document_types=("letter",))
    assert compose_document(spec, labels) == compose_document(spec, build_labels(SHIPS))
    assert load_phrases("de", tmp_path) == load_phrases("de")
    assert load_phrases("../en", tmp_path) == load_phrases("en")
    assert load_phrases("en", tmp_path, "state") == load_phrases("en", tmp_path)
    assert load_phrases("en", tmp_path)["who"] == load_phrases("en")["who"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('sentences = ["<captain> left."]', "no list captain"),
        ('sentences = ["<m c=\\"1\\" k=\\"NAM\\">{SHIP}</m> left."]', "NAM"),
        ('sentences = ["<m k=\\"NAME\\">{SHIP} left."]', "never closed"),
        ('sentences = ["[{SHIP}|<PORT>Oslo] left."]', "never closed"),
        ('sentences = ["{SHIP left."]', "bracket"),
        ('sentences = ["[{SHIP}|nobody left."]', "bracket"),
        ('term = ["nobody left"]', "needs {v}"),
        ('term = ["{v} and {v} left"]', "once each"),
        ('filler = ["{v} left"]', "can stand in"),
        ('["log book"]\nfiller = ["x"]', "log book"),
        ('state = ["<sky>"]\nsky = ["<State> or not"]', "without end"),
        ('who = ["<who>"]', "without end"),
        ("sentences = []", "sentences"),
        ('sentences = "x"', "sentences"),
        ("sentences = [", "TOML"),
    ],
)
def test_phrases_that_do_not_fit_are_named(text: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"en\.toml") as raised:
        check_phrases(make_labels(tmp_path, en=text))
    assert named in str(raised.value)


def test_sentences_with_unknown_labels_are_named_and_not_used(tmp_path: Path) -> None:
    more = LIST.replace("sentences = [", "sentences = [\n  'The {SHIPP} sank.', '{SHIPP} <FLAG>red</FLAG>',", 1)
    labels = make_labels(tmp_path, en=more)
    assert [line.partition(": ")[2] for line in check_phrases(labels)] == [
        "1 phrases with FLAG are not used. Unknown label 'FLAG'. Known: PORT, SHIP.",
        "2 phrases with SHIPP are not used. Unknown label 'SHIPP'. Did you mean SHIP?",
    ]
    specs = [draw_spec(1, index, ["en"], labels, document_types=("letter",)) for index in range(100)]
    assert not any("sank" in text or "red" in text for text in (compose_document(s, labels).text for s in specs))


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="holds no phrases"):
        check_phrases(make_labels(tmp_path))


@pytest.mark.parametrize("name", [template.name for template in list_templates() if template.has_phrases])
def test_the_phrases_of_a_template_fit_its_labels(name: str, tmp_path: Path) -> None:
    labels = load_labels(create_project(tmp_path, find_template(name)).labels)
    assert check_phrases(labels) == []
    entities = mentions = 0
    for index in range(150):
        spec = draw_spec(3, index, ["en"], labels, document_types=labels.purpose.document_types)
        document = compose_document(spec, labels)
        entities += len(document.entities)
        mentions += len(document.mentions)
        assert not any(mark in document.text for mark in "{}<>[]|"), document.text
    assert entities > 150
    assert mentions > 20
