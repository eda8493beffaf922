import json
from dataclasses import replace

import pytest

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.text.tagged import Tagged, parse_tagged
from goldspan.generators.offline.author import compose_document
from goldspan.generators.offline.stages import author_coreference, author_draft, author_review
from goldspan.generators.providers.protocol import Answer
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import Spec, spec_to_dict
from goldspan.generators.stages.answers import judge_answer
from goldspan.generators.stages.context import AnswerContext

LANGUAGES = ("en", "de", "fr", "es", "nl", "da")


@pytest.fixture(scope="module")
def labels() -> LabelSchema:
    return load_labels()


@pytest.fixture(scope="module")
def specs(labels: LabelSchema) -> list[Spec]:
    return [draw_spec(21, index, LANGUAGES, labels) for index in range(150)]


def answer(stage: str, spec: Spec, labels: LabelSchema, given: str, document: dict) -> dict:
    verdict = judge_answer(
        Answer("id", content=json.dumps(document)), stage, AnswerContext(labels, spec_to_dict(spec), given)
    )
    assert (verdict.state, verdict.reason) == ("ok", "")
    return verdict.result


def is_refused(spec: Spec, labels: LabelSchema, draft: str) -> bool:
    """True if the draft is asked again, as one with tags around words that may be no value."""
    given = Answer("id", content=json.dumps({"tagged_text": draft}))
    return judge_answer(given, "draft", AnswerContext(labels, spec_to_dict(spec), "")).result is None


def name_clusters(tagged: Tagged) -> Tagged:
    """The same with clusters named in the order of their first mentions."""
    names: dict[str, str] = {}
    for number, mention in enumerate(tagged.mentions):
        names.setdefault(mention.cluster or f"alone {number}", str(len(names)))
    return replace(
        tagged,
        mentions=tuple(replace(m, cluster=names[m.cluster or f"alone {n}"]) for n, m in enumerate(tagged.mentions)),
    )


def test_without_mistakes_the_stages_give_the_document_and_no_proposals(specs: list[Spec], labels: LabelSchema) -> None:
    for spec in specs[:50]:
        document = compose_document(spec, labels)
        draft = author_draft(spec, labels)
        assert parse_tagged(draft, labels).entities == document.entities
        chains = author_coreference(spec, draft, labels)
        marked = answer("coreference", spec, labels, draft, chains)["tagged_text"]
        assert name_clusters(parse_tagged(marked, labels)) == name_clusters(document)
        assert author_review(spec, marked, labels) == {"proposals": [], "tagged_text": marked}


def test_mistakes_are_accepted_at_each_stage_and_mended_by_the_review(specs: list[Spec], labels: LabelSchema) -> None:
    wrong = unmended = refused = 0
    kinds = set()
    for spec in specs:
        meant = compose_document(spec, labels).entities
        draft = author_draft(spec, labels, mistake_rate=0.25)
        if is_refused(spec, labels, draft):
            refused += 1
            continue
        mended = answer("draft", spec, labels, "", {"tagged_text": draft})["tagged_text"]
        read = parse_tagged(mended, labels)
        asked = {(entry.label, entry.value) for entry in spec.values}
        lost = set(meant) - set(read.entities)
        unmended += sum((entity.label, read.text[entity.start : entity.end]) in asked for entity in lost)
        result = answer("coreference", spec, labels, draft, author_coreference(spec, draft, labels))
        before = parse_tagged(result["tagged_text"], labels)
        wrong += len(set(meant) ^ set(before.entities))
        review = author_review(spec, result["tagged_text"], labels)
        reviewed = answer("review", spec, labels, result["tagged_text"], review)
        kinds |= {proposal["kind"] for proposal in reviewed["proposals"]}
        assert all(proposal["accepted"] for proposal in reviewed["proposals"])
        assert parse_tagged(reviewed["tagged_text"], labels).entities == meant
    assert wrong > 100
    assert refused < 0.05 * len(specs)
    assert unmended * 20 < wrong
    assert kinds == {"add", "relabel", "resize"}


def test_the_mistake_rate_decides_how_many_entities_are_wrong(specs: list[Spec], labels: LabelSchema) -> None:
    total = right = 0
    for spec in specs:
        meant = compose_document(spec, labels).entities
        given = parse_tagged(author_draft(spec, labels, mistake_rate=0.1), labels).entities
        total += len(meant)
        right += len(set(meant) & set(given))
    assert 0.05 < 1 - right / total < 0.15


def test_a_text_by_somebody_else_is_left_as_it_is(specs: list[Spec], labels: LabelSchema) -> None:
    tagged = "Call <FIRSTNAME>Ann</FIRSTNAME>, she knows."
    assert author_coreference(specs[0], tagged, labels) == {"chains": []}
    assert author_review(specs[0], tagged, labels) == {"proposals": [], "tagged_text": tagged}
