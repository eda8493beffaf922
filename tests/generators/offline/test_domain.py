"""Another domain's label schema: values from its own sources, texts from its own examples, and no word of others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from goldspan.annotation.checks import check_annotation
from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema, build_labels, load_labels
from goldspan.annotation.labels.values import load_terms, matches_pattern
from goldspan.annotation.labelstudio.project.config import build_guideline, build_instructions
from goldspan.annotation.templates import create_project, find_template
from goldspan.annotation.types import Annotation, Author
from goldspan.generators.offline.author import compose_document
from goldspan.generators.offline.domain import find_shape
from goldspan.generators.offline.phrases import load_phrases
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.stages.prompts import build_system
from goldspan.generators.surrogates.chance import make_random
from goldspan.generators.surrogates.values import draw_persona, draw_value
from goldspan.predictors.prompting.prompt import build_messages


def load_template(name: str, folder: Path) -> LabelSchema:
    return load_labels(create_project(folder, find_template(name)).labels)


@pytest.mark.parametrize("name", ["support", "biomedical", "legal", "blank"])
def test_samples_of_a_template_hold_fitting_values_and_no_errors(name: str, tmp_path: Path) -> None:
    labels = load_template(name, tmp_path)
    found: dict[str, set[str]] = {}
    for index in range(60):
        spec = draw_spec(3, index, ["en", "de"], labels, document_types=labels.purpose.document_types or ("hr_memo",))
        document = compose_document(spec, labels)
        annotation = Annotation(Author.model("m"), document.entities, document.mentions)
        assert not check_annotation(document.text, annotation, labels, spec.language, spec.country), document.text
        assert compose_document(spec, labels) == document
        for entity in document.entities:
            found.setdefault(entity.label, set()).add(document.text[entity.start : entity.end])
        for entry in spec.values:
            assert entry.value in document.text
    described = {label.code for label in labels.entities if label.values not in {"", "model"} or label.examples}
    assert described <= set(found)
    for label in labels.entities:
        for value in found.get(label.code, ()):
            assert not re.fullmatch(r"[A-Z]+-\d{3}[A-Z]{2}\d{3}", value), f"{label.code} holds a made-up code"


@pytest.mark.parametrize("name", ["support", "biomedical", "legal"])
def test_values_stand_in_many_contexts(name: str, tmp_path: Path) -> None:
    labels = load_template(name, tmp_path)
    contexts: dict[str, list[str]] = {}
    for index in range(300):
        spec = draw_spec(5, index, ["en"], labels, document_types=labels.purpose.document_types)
        document = compose_document(spec, labels)
        for entity in document.entities:
            contexts.setdefault(entity.label, []).append(" ".join(document.text[: entity.start].split()[-2:]))
    for label, found in contexts.items():
        assert len(set(found)) >= 0.3 * len(found), label


@pytest.mark.parametrize(
    ("fields", "value", "shape"),
    [
        ({"group": "PERSON"}, "Ann Lee", "person"),
        ({"values": "faker", "faker": "name"}, "Ann Lee", "person"),
        ({}, "ann@mail.example.net", "contact"),
        ({}, "+44 20 7946 0018", "contact"),
        ({}, "ORD-123456", "code"),
        ({}, "type 2 diabetes", "term"),
        ({}, "TP53", "term"),
    ],
)
def test_a_value_has_the_sentences_of_its_shape(fields: dict[str, str], value: str, shape: str) -> None:
    assert find_shape(build_labels({"labels": {"A": {"name": "a", **fields}}})["A"], value) == shape


def test_nobody_is_named_without_a_label_where_another_label_may_be_a_person() -> None:
    labels = build_labels(
        {"labels": {"CANDIDATE": {"name": "Candidate", "chance": 0.5, "terms": ["Ada"]}, "CITY": {"name": "City"}}}
    )
    own = [draw_spec(2, index, ["en"], labels) for index in range(40)]
    texts = [compose_document(spec, labels).text for spec in own]
    assert any("Ada" in text for text in texts)
    assert not any(re.search(r"\b(Mr|Ms|Mrs) [A-Z]|\b(she|he) said\b", text) for text in texts)


def test_a_label_beside_those_of_the_grammars_stands_in_sentences() -> None:
    document = {
        "labels": {code: {"name": code.title(), "chance": 0.9, "group": "PERSON"} for code in ("FIRSTNAME", "SURNAME")}
    }
    document["labels"]["TICKET"] = {"name": "Ticket number", "chance": 1.0, "pattern": "T-[0-9]{5}"}
    labels = build_labels(document)
    texts = [compose_document(draw_spec(4, index, ["en"], labels), labels).text for index in range(60)]
    told = [text for text in texts if re.search(r"T-[0-9]{5}", text)]
    assert len(told) > 40
    assert sum("Ticket number: T-" in text for text in told) < 0.7 * len(told)


@pytest.mark.parametrize("name", ["biomedical", "legal", "blank"])
def test_nothing_speaks_of_personal_data_where_the_purpose_is_another(name: str, tmp_path: Path) -> None:
    labels = load_template(name, tmp_path)
    shown = [build_system(stage, labels) for stage in ("draft", "coreference", "review")]
    shown += [build_messages("x", labels)[0]["content"], build_instructions(labels), build_guideline(labels)]
    for text in shown:
        assert not re.search(r"personal|sensitive|privacy|\bPII\b|FIRSTNAME|CITY", text), text
    assert labels.purpose.subject in shown[0]


def test_a_model_is_told_which_values_it_invents(tmp_path: Path) -> None:
    labels = load_template("biomedical", tmp_path)
    assert "Values of DISEASE are not given" in build_system("draft", labels)
    specs = [draw_spec(1, index, ["en"], labels, document_types=("abstract",)) for index in range(30)]
    assert any("DISEASE" in spec.labels for spec in specs)
    assert not any(entry.label == "DISEASE" for spec in specs for entry in spec.values)


@pytest.mark.parametrize(
    "pattern", ["ORD-[0-9]{6}", r"[A-Z]{2}\d{4,8}", "(red|green) (apple|pear)s?", r"\d+(\.\d{2})? €"]
)
def test_values_are_made_from_a_pattern_and_follow_the_seed(pattern: str) -> None:
    label = build_labels({"labels": {"A": {"name": "a", "pattern": pattern}}})["A"]
    persona = draw_persona(make_random(1, 1, "p"), "en", "GB", "f")
    values = [draw_value(make_random(1, index, "v"), label, persona) for index in range(30)]
    assert values == [draw_value(make_random(1, index, "v"), label, persona) for index in range(30)]
    assert len(set(values)) > 1
    assert all(matches_pattern(label, value) for value in values)


def test_values_come_from_faker_terms_and_built_in_functions(tmp_path: Path) -> None:
    labels = load_template("support", tmp_path)
    persona = draw_persona(make_random(1, 1, "p"), "de", "DE", "f")
    names = {draw_value(make_random(1, i, "v"), labels["CUSTOMER_NAME"], persona) for i in range(100)}
    assert len(names) > 70
    assert not any(re.search(r"\.|\b(Herr|Frau|Prof|Dr)\b", name) for name in names)
    assert draw_value(make_random(1, 1, "v"), labels["PRODUCT"], persona) in load_terms(labels["PRODUCT"])
    document = {"name": "a", "values": "function", "function": "IBAN"}
    own = build_labels({"labels": {"ACCOUNT": document}})["ACCOUNT"]
    assert draw_value(make_random(1, 1, "v"), own, persona).startswith("DE")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"values": "faker", "faker": "no_such_thing"}, ConfigurationError),
        ({"values": "faker", "faker": "seed_instance"}, ConfigurationError),
        ({"values": "function", "function": "nothing"}, UnknownNameError),
        ({"pattern": r"(?<=x)a"}, ConfigurationError),
    ],
)
def test_a_source_that_gives_nothing_names_its_label(fields: dict[str, str], error: type[Exception]) -> None:
    label = build_labels({"labels": {"WEIRD": {"name": "a", **fields}}})["WEIRD"]
    persona = draw_persona(make_random(1, 1, "p"), "en", "GB", "f")
    with pytest.raises(error, match=r"WEIRD|nothing"):
        draw_value(make_random(1, 1, "v"), label, persona)


def test_a_label_with_examples_in_words_has_them_as_values_and_no_code() -> None:
    labels = build_labels(
        {
            "labels": {
                "UTENSIL": {"name": "Utensil", "examples": ["saucepan", "wooden spoon"], "chance": 1.0},
                "BATCH": {"name": "Batch", "examples": ["LOT-4711"], "chance": 1.0},
            }
        }
    )
    for index in range(8):
        spec = draw_spec(1, index, ["en"], labels, document_types=("note",))
        if spec.hard_negative:
            continue
        values = {
            entity.label: document.text[entity.start : entity.end]
            for document in [compose_document(spec, labels)]
            for entity in document.entities
        }
        assert values["UTENSIL"] in {"saucepan", "wooden spoon"}
        assert re.fullmatch(r"LOT-\d{4}", values["BATCH"])


def test_a_text_about_nothing_is_written_as_those_about_something_are(tmp_path: Path) -> None:
    labels = load_template("biomedical", tmp_path)
    labels = replace(labels, purpose=replace(labels.purpose, phrases=None))
    fillers = [phrase for phrase in load_phrases("en")["filler"] if not phrase.startswith(("<", "there", "nothing"))]
    starts = {phrase.partition("<")[0].strip() for phrase in fillers}
    found = 0
    for index in range(300):
        spec = draw_spec(5, index, ["en"], labels, document_types=labels.purpose.document_types)
        if spec.hard_negative:
            document = compose_document(spec, labels)
            assert not document.entities
            assert len(document.text) >= 60
            found += any(start and start.casefold() in document.text.casefold() for start in starts)
    assert found
