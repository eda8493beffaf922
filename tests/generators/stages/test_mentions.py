"""Coreference by mention lists: words and occurrence resolved to exact spans, or refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.text.tagged import Tagged, parse_tagged, render_tagged
from goldspan.annotation.types import Mention
from goldspan.generators.offline.author import compose_document
from goldspan.generators.offline.model import count_tokens
from goldspan.generators.offline.stages import author_coreference
from goldspan.generators.providers.protocol import Answer
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.stages.answers import AnswerVerdict, judge_answer
from goldspan.generators.stages.context import AnswerContext
from tests.generators.scripted import LABELS

DRAFT = (
    "<FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME> wrote. She moved, she says, and then she left. "
    "<SURNAME>Santos</SURNAME> & her dog."
)
NAME = {"text": "Maria Santos", "nth": 1, "kind": "MENTION"}


def judge(document: object, draft: str = DRAFT, language: str = "en") -> AnswerVerdict:
    content = document if isinstance(document, str) else json.dumps(document)
    return judge_answer(
        Answer("id", content=content), "coreference", AnswerContext(LABELS, {"language": language}, draft)
    )


def list_surfaces(verdict: AnswerVerdict) -> list[tuple[int, str, str, str]]:
    assert (verdict.state, verdict.reason) == ("ok", "")
    assert verdict.result is not None
    tagged = parse_tagged(verdict.result["tagged_text"], LABELS)
    assert render_tagged(tagged.text, tagged.entities) == DRAFT
    return [(m.start, tagged.text[m.start : m.end], m.label, m.cluster) for m in tagged.mentions]


def say(text: str, nth: object, kind: str = "PRONOUN") -> dict[str, object]:
    return {"text": text, "nth": nth, "kind": kind}


def test_mentions_stand_where_their_occurrence_is():
    verdict = judge({"chains": [[NAME, say("she", 2), say("She", 1), say("Santos", 2, "MENTION")]]})
    assert list_surfaces(verdict) == [
        (0, "Maria Santos", "MENTION", "1"),
        (20, "She", "PRONOUN", "1"),
        (50, "she", "PRONOUN", "1"),
        (60, "Santos", "MENTION", "1"),
    ]
    assert "repairs" not in verdict.result


MEND = {
    "all places in one chain": {"chains": [[NAME, say("she", 1), say("she", 1)]]},
    "small and capital letters counted together": {"chains": [[NAME, say("she", 3)]]},
    "tags in the words": {"chains": [[say("<FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME>", 1, "MENTION")]]},
    "<m> around the words": {"chains": [[say('<m c="1">Maria Santos</m>', 1, "mention")]]},
    "no kind": {"chains": [[{"text": "Maria Santos", "nth": 1}, {"text": "her", "nth": 1}]]},
    "no occurrence": {"chains": [[{"text": "Maria Santos"}, {"text": "her"}]]},
    "words alone": {"chains": [["Maria Santos", "her"]]},
}


@pytest.mark.parametrize("document", MEND.values(), ids=MEND)
def test_what_is_clear_is_mended_and_said(document: object):
    verdict = judge(document)
    surfaces = list_surfaces(verdict)
    assert verdict.result["repairs"]
    assert all(label == ("MENTION" if "Santos" in words else "PRONOUN") for _, words, label, _ in surfaces)
    assert len(surfaces) == len(document["chains"][0])


ARRANGED = {
    "flat with chains": {"mentions": [{**NAME, "chain": 1}, {**say("her", 1), "chain": 1}]},
    "other names": {"mentions": [{"mention": "Maria Santos", "occurrence": "1", "cluster": "a", "type": "MENTION"}]},
    "objects around": {"chains": [{"name": "Maria", "mentions": [NAME, say("her", 1)]}]},
    "beside the tagged text": {"tagged_text": "x", "chains": [[NAME]]},
}


@pytest.mark.parametrize("document", ARRANGED.values(), ids=ARRANGED)
def test_other_arrangements_are_read(document: object):
    assert (0, "Maria Santos", "MENTION", "1") in list_surfaces(judge(document))


@pytest.mark.parametrize(
    ("chains", "reason"),
    [
        ([[NAME, say("he", 1)]], "Mention 2 of chain 1 does not stand in the text"),
        (
            [[NAME], [say("she", 4)]],
            "mention 1 of chain 2 stand 2 times in the text, so `nth` must be from 1 to 2, not 4",
        ),
        ([[say("Santos", 3, "MENTION")]], "stand 2 times in the text"),
        ([[{"text": "she", "kind": "PRONOUN"}]], "and it is not given"),
        ([[say("Maria Santos wrote", 1)], [say("Santos wrote", 1)]], ""),
        ([[say("Santos", 1)], [say("Santos", 1)]], "has the same place as mention 1 of chain 1"),
        ([[say("aria", 1)]], "does not stand in the text"),
        ([[say("her", 1, "NOUN")]], "unknown kind"),
        ([[say("", 1)]], "does not fit"),
        ([[say("dog", 1.5)]], "does not fit"),
    ],
)
def test_the_rest_is_refused_with_a_reason_that_quotes_nothing(chains: list, reason: str):
    verdict = judge({"chains": chains})
    if not reason:
        assert verdict.state == "ok"
        return
    assert verdict.state == "invalid"
    assert reason in verdict.reason
    assert "Santos" not in verdict.reason


def test_a_part_of_an_entity_and_crossing_mentions_are_refused():
    part = judge({"chains": [[say("Main", 1)]]}, "at <STREET>Main Street</STREET> 4")
    assert "only a part of an entity" in part.reason
    crossing = judge({"chains": [[say("moved, she", 1)], [say("she says", 1)]]})
    assert "crosses another" in crossing.reason


LANGUAGES = ("en", "de", "fr", "es", "nl", "da")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_lists_give_back_the_mentions_of_any_document(index: int, rng):
    """Whatever the order of chains and mentions, and whichever words are mentions."""
    spec = draw_spec(3, index, LANGUAGES, LABELS)
    document = compose_document(spec, LABELS)
    chains = author_coreference(spec, render_tagged(document.text, document.entities), LABELS)["chains"]
    for chain in chains:
        rng.shuffle(chain)
    rng.shuffle(chains)
    draft = render_tagged(document.text, document.entities)
    verdict = judge({"chains": chains}, draft, spec.language)
    assert (verdict.state, verdict.reason) == ("ok", "")
    found = parse_tagged(verdict.result["tagged_text"], LABELS)
    assert _list_chains(found) == _list_chains(document)


def _list_chains(tagged: Tagged) -> set[frozenset[tuple[int, int, str]]]:
    chains: dict[str, list[Mention]] = {}
    for number, mention in enumerate(tagged.mentions):
        chains.setdefault(mention.cluster or f"alone {number}", []).append(mention)
    return {frozenset((m.start, m.end, m.label) for m in chain) for chain in chains.values()}


def test_half_the_tokens_of_repeating_the_text(request):
    listed = tagged = 0
    for index in range(120):
        spec = draw_spec(5, index, LANGUAGES, LABELS)
        document = compose_document(spec, LABELS)
        draft = render_tagged(document.text, document.entities)
        listed += count_tokens(json.dumps(author_coreference(spec, draft, LABELS), ensure_ascii=False))
        marked = render_tagged(document.text, document.entities, document.mentions)
        tagged += count_tokens(json.dumps({"tagged_text": marked}, ensure_ascii=False))
    request.config.pluginmanager.get_plugin("terminalreporter").write_line(
        f"\nCoreference answers: {listed / tagged:.2f} of the tokens that repeating the text takes."
    )
    assert listed < tagged / 2
