import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.checks import check_sample
from goldspan.annotation.identity import make_skeleton
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.text.tagged import Tagged, parse_tagged, render_tagged
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.generators.offline.author import Author as OfflineAuthor
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.documents import DOCUMENT_TYPES
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import Spec, SpecConstraints
from goldspan.generators.surrogates.values import TODAY

STRUCTURED = {"form", "table", "record", "log"}
BRIEF = {"note", "post"}
LANGUAGES = ("en", "de", "fr", "es", "nl", "da")


@pytest.fixture(scope="module")
def labels() -> LabelSchema:
    return load_labels()


def check(spec: Spec, tagged: Tagged, labels: LabelSchema) -> list[str]:
    reading = Annotation(Author.model("offline"), tagged.entities, tagged.mentions)
    sample = Sample(tagged.text, spec.language, spec.country, spec.document_type, (reading,))
    return [issue.message for issue in check_sample(sample, labels)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_schema_without_names_of_people_gets_whole_sentences(language: str) -> None:
    labels = load_labels(Path(__file__).parents[3] / "schemas" / "templates" / "support" / "labels.toml")
    for index in range(60):
        spec = draw_spec(9, index, [language], labels)
        document = compose_document(spec, labels)
        assert check(spec, document, labels) == []
        assert all(span.start < span.end for span in (*document.entities, *document.mentions))


@given(seed=st.integers(0, 2**40), first=st.integers(0, 10**6), language=st.sampled_from(LANGUAGES))
def test_every_document_passes_the_checks_and_holds_every_value(seed: int, first: int, language: str) -> None:
    labels = load_labels()
    for index in range(first, first + 20):
        spec = draw_spec(seed, index, [language], labels)
        tagged = compose_document(spec, labels)
        assert parse_tagged(render_tagged(tagged.text, tagged.entities, tagged.mentions), labels) == tagged
        assert check(spec, tagged, labels) == []
        written = {(entity.label, tagged.text[entity.start : entity.end]) for entity in tagged.entities}
        assert {(entry.label, entry.value) for entry in spec.values} <= written
        assert set(spec.labels) <= {label for label, _ in written}


@pytest.mark.parametrize("language", LANGUAGES)
def test_four_hundred_documents_have_varied_skeletons_openings_and_lengths(language: str, labels: LabelSchema) -> None:
    skeletons: Counter[str] = Counter()
    openings: Counter[str] = Counter()
    lengths = []
    for index in range(400):
        tagged = compose_document(draw_spec(7, index, [language], labels), labels)
        skeletons[make_skeleton(tagged.text, tagged.entities)] += 1
        openings[" ".join(tagged.text.split()[:3])] += 1
        lengths.append(len(tagged.text))
    assert max(skeletons.values()) <= 4
    assert len(skeletons) >= 388
    assert max(openings.values()) <= 24
    assert min(lengths) >= 60
    assert sorted(lengths)[40] < 250
    assert sorted(lengths)[360] > 600


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("document_type", DOCUMENT_TYPES)
def test_every_type_is_written_in_every_language(language: str, document_type: str, labels: LabelSchema) -> None:
    wanted = SpecConstraints(language=language, document_type=document_type, labels=("FIRSTNAME", "SURNAME", "CITY"))
    clusters = 0
    for index in range(15):
        spec = draw_spec(3, index, [language], labels, wanted=wanted)
        tagged = compose_document(spec, labels)
        assert check(spec, tagged, labels) == []
        clusters += len({mention.cluster for mention in tagged.mentions})
    assert clusters >= 12 or document_type in STRUCTURED | BRIEF


def test_names_of_others_are_entities_and_parts_of_names_are_none(labels: LabelSchema) -> None:
    others: Counter[str] = Counter()
    for index in range(300):
        spec = draw_spec(13, index, LANGUAGES, labels)
        document = compose_document(spec, labels)
        values = {entry.value for entry in spec.values}
        surfaces = {(e.label, document.text[e.start : e.end]) for e in document.entities}
        others.update(label for label, surface in surfaces if surface not in values)
        assert not any(character in document.text for character in "\ue000\ue001\ue002")
    assert min(others[label] for label in ("FIRSTNAME", "SURNAME", "CITY", "COUNTRY", "COMPANYNAME")) >= 20


def test_names_of_others_stay_plain_where_the_schema_has_no_label_for_them(labels: LabelSchema) -> None:
    few = LabelSchema(tuple(label for label in labels.labels if label.code in {"FIRSTNAME", "SURNAME", "EMAIL"}))
    for index in range(60):
        document = compose_document(draw_spec(13, index, LANGUAGES, few), few)
        assert {entity.label for entity in document.entities} <= few.entity_codes


def test_the_same_spec_gives_the_same_document_in_any_order(labels: LabelSchema) -> None:
    specs = [draw_spec(11, index, LANGUAGES, labels) for index in range(40)]
    forwards = [compose_document(spec, labels) for spec in specs]
    backwards = [compose_document(spec, labels) for spec in reversed(specs)]
    assert forwards == backwards[::-1]


def test_hard_negatives_hold_no_entity_and_no_mention(labels: LabelSchema) -> None:
    for index in range(60):
        spec = draw_spec(5, index, LANGUAGES, labels, wanted=SpecConstraints(hard_negative=True))
        tagged = compose_document(spec, labels)
        assert tagged.entities == ()
        assert tagged.mentions == ()
        assert len(tagged.text) >= 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_s_turn_in_a_chat_is_empty(language: str, labels: LabelSchema) -> None:
    wanted = SpecConstraints(language=language, document_type="chat")
    for index in range(80):
        spec = draw_spec(21, index, [language], labels, wanted=wanted)
        names = {entry.value for entry in spec.values}
        lines = [line.strip() for line in compose_document(spec, labels).text.splitlines()]
        assert not [line for line in lines if line.endswith(":") and line.rstrip(": ") in names], lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_turns_of_a_call_about_nobody_stand_on_lines_of_their_own(language: str, labels: LabelSchema) -> None:
    wanted = SpecConstraints(language=language, document_type="phone_transcript", hard_negative=True)
    for index in range(12):
        text = compose_document(draw_spec(11, index, (language,), labels, wanted=wanted), labels).text
        speakers = {line.partition(":")[0] for line in text.splitlines() if ": " in line}
        assert not any(re.search(rf"[.!?] {re.escape(speaker)}: ", text) for speaker in speakers), text


def test_a_document_that_says_how_old_somebody_is_was_written_lately(labels: LabelSchema) -> None:
    for index in range(120):
        spec = draw_spec(12, index, ("en",), labels)
        if "AGE" in spec.labels:
            author = OfflineAuthor.begin(spec, labels, 0)
            assert (TODAY - author.noise.timeline.today).days <= 20
