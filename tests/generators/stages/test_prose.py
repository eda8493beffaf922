"""Briefs as prose: in the language of the document, values letter by letter, read back by the simulated model."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import goldspan.generators.stages.prose as prose
from goldspan.annotation.errors import InputError
from goldspan.generators.offline.model import write_content
from goldspan.generators.providers.protocol import Answer
from goldspan.generators.runs.pipeline import draw_brief
from goldspan.generators.specs.documents import DOCUMENT_TYPES, LENGTHS
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import SpecValue, spec_from_dict, spec_to_dict
from goldspan.generators.stages.answers import judge_answer
from goldspan.generators.stages.context import AnswerContext
from goldspan.generators.stages.prose import read_conversation, read_message, write_message
from goldspan.generators.stages.stage import StageInput
from goldspan.generators.surrogates.world import COUNTRIES
from tests.generators.scripted import LABELS, make_settings

LANGUAGES = tuple(COUNTRIES)
FOLDER = Path(prose.__file__).with_name("wording")


def test_every_language_words_everything():
    keys = set(tomllib.loads((FOLDER / "en.toml").read_text(encoding="utf-8")))
    titles = set()
    for language, countries in COUNTRIES.items():
        words = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
        titles.add(words["title"])
        assert set(words) == keys
        assert set(words["documents"]) == set(DOCUMENT_TYPES)
        assert set(words["length"]) == set(LENGTHS)
        assert set(words["country"]) == set(countries)
        assert set(words["text"]) == {"coreference", "review", "judge"}
        for wordings in (words["documents"], words["country"], words["length"], words["register"], words["text"]):
            assert len(set(wordings.values())) == len(wordings)
    assert len(titles) == len(COUNTRIES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_brief_is_prose_in_the_language_of_the_document(language: str):
    spec = replace(draw_spec(4, 3, [language], LABELS), document_type="invoice")
    message = write_message(
        "draft", spec_to_dict(spec) | {"direction": "So it goes.", "example": "- <CITY>Lyon</CITY>"}
    )
    words = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    assert words["documents"]["invoice"] in message
    assert "So it goes." in message
    assert "{" not in message
    assert all(f"- <{entry.label}>{entry.value}</{entry.label}>" in message for entry in spec.values)
    assert not {"hard_negative", "document_type", "genders"} & set(message.replace("\n", " ").split())


texts = (
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=20)
    .map(str.strip)
    .filter(bool)
)
hostile = st.sampled_from(
    ["a < b", "</CITY>", "&lt;", "<CITY>x</CITY>", "- <CITY>Lyon</CITY>", "Person 2 (a man)", "{x}"]
)


@given(st.integers(0, 5000), st.sampled_from(LANGUAGES), st.lists(texts | hostile, min_size=1, max_size=4), texts)
def test_what_a_brief_says_is_read_back(index: int, language: str, values: list[str], kind: str):
    """Whatever the values and the type of document are; the direction and the example play no part."""
    spec = draw_spec(9, index, [language], LABELS)
    if spec.persons:
        more = tuple(SpecValue("CITY", value, spec.persons) for value in values)
        labels = tuple(label.code for label in LABELS.entities if label.code in {*spec.labels, "CITY"})
        spec = replace(spec, values=(*spec.values, *more), labels=labels)
    if index % 3 == 0:
        spec = replace(spec, document_type=kind)
    extras = {
        "direction": "Text:\n- <CITY>Rome</CITY>",
        "passage": "- <CITY>Turin</CITY>",
        "example": "- <CITY>Bonn</CITY>\n\nmore",
    }
    for stage, given_text in (
        ("draft", ""),
        ("coreference", "a\n\nb"),
        ("review", "- <CITY>Ulm</CITY>\n"),
        ("judge", "x"),
    ):
        content = write_message(stage, spec_to_dict(spec) | extras, given_text, "not good")
        read = read_conversation([{"role": "system", "content": "x"}, {"role": "user", "content": content}])
        order = [label.code for label in LABELS.entities if label.code in read.brief["labels"]]
        back = spec_from_dict(read.brief | {"labels": order})
        assert (read.stage, read.tagged_text) == (stage, given_text)
        assert back == spec


def test_other_projects_have_groups_and_no_persons():
    brief = {
        "language": "en",
        "values": [{"label": "GENE", "value": "TP53", "person": 1}],
        "labels": ["GENE", "DISEASE"],
    }
    message = write_message("draft", brief | {"genders": ["f"], "persons": 1}, about_people=False)
    assert "Group 1\n- <GENE>TP53</GENE>" in message
    assert "for: <DISEASE>" in message
    assert "erson" not in message
    assert read_message(message).brief["labels"] == ["GENE", "DISEASE"]


def test_other_conversations_are_refused():
    for content in ("Hello", "", '{"stage": "draft"}', "Brief about seeds\n\nx"):
        with pytest.raises(InputError, match="no user message holds a brief"):
            read_conversation([{"role": "user", "content": content}, {"role": "assistant", "content": "Brief 1-2"}])


def test_the_simulated_model_answers_the_prose_and_its_draft_keeps_the_brief():
    run = make_settings(samples=60, languages=LANGUAGES, review=True, judge=True)
    stages = run.build_stages(LABELS)
    shorter = 0
    for item in range(0, 60, 2):
        brief, tagged_text = draw_brief(run, LABELS, item), ""
        for name, stage in stages.items():
            request = stage.build_request(StageInput(name, item, 1, brief, tagged_text))
            content = write_content(request.body, LABELS)
            verdict = judge_answer(Answer("id", content=content), name, AnswerContext(LABELS, brief, tagged_text))
            assert (verdict.state, verdict.reason) == ("ok", "")
            assert "repairs" not in verdict.result
            tagged_text = verdict.result["tagged_text"]
            if name == "draft":
                shorter += len(json.dumps(brief, ensure_ascii=False)) - len(request.body["messages"][1]["content"])
    assert shorter > 0


def test_a_project_about_other_things_has_no_empty_group():
    brief = make_brief_of({"BREED": "collie"}, persons=2)
    message = write_message("draft", brief, about_people=False)
    assert "Group 1\n- <BREED>collie</BREED>" in message
    assert "Group 2" not in message
    assert "Group" not in write_message("draft", make_brief_of({}, persons=1), about_people=False)


def make_brief_of(values: dict[str, str], persons: int) -> dict[str, object]:
    entries = [{"label": label, "value": value, "person": 1} for label, value in values.items()]
    return {"language": "en", "persons": persons, "labels": ["BREED"], "values": entries, "length": "short"}
