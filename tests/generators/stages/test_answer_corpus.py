"""How many of two hundred odd answers are accepted, and that none is accepted wrongly. Prints both figures."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from goldspan.annotation.checks import check_annotation, check_text, has_errors
from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.text.alignment import Doubt, align_values
from goldspan.annotation.text.tagged import Tagged, parse_tagged
from goldspan.annotation.types import Annotation, Author
from goldspan.generators.providers.protocol import Answer
from goldspan.generators.stages.answers import answer_validator, judge_answer
from goldspan.generators.stages.context import AnswerContext
from tests.generators.scripted import LABELS
from tests.generators.stages.answer_corpus import MANNERS, iter_answers
from tests.generators.stages.model_answers import iter_model_answers
from tests.generators.stages.odd_answers import READABLE, REFUSED, iter_all_odd_answers, iter_odd_answers


def str_manner(answer) -> str:
    return answer.manner


def make_brief(gold: Tagged, language: str) -> dict:
    values = [{"label": e.label, "value": gold.text[e.start : e.end], "person": 1} for e in gold.entities]
    return {
        "language": language,
        "country": "",
        "values": [json.loads(v) for v in dict.fromkeys(map(json.dumps, values))],
    }


def read_strictly(content: str, brief: dict) -> Tagged | None:
    """The reader as it was before the tolerant one: JSON with words around it, exact tags, half of the values."""
    try:
        start, end = content.find("{"), content.rfind("}")
        document = json.loads(content if start < 0 else content[start : end + 1])
        if answer_validator("draft").problems(document):
            return None
        if "entities" in document:
            aligned = align_values(document["text"], [(e["value"], e["label"]) for e in document["entities"]])
            doubts = [doubt for doubt in aligned.ambiguous if doubt.doubt is not Doubt.COMPOUND]
            tagged = None if aligned.unaligned or doubts else Tagged(document["text"], aligned.entities)
        else:
            tagged = parse_tagged(document["tagged_text"], LABELS)
    except (ValueError, GoldspanError):
        return None
    if tagged is None:
        return None
    annotation = Annotation(Author.model("m"), tagged.entities)
    issues = check_text(tagged.text) + check_annotation(tagged.text, annotation, LABELS, brief["language"])
    lacking = sum(entry["value"] not in tagged.text for entry in brief["values"])
    return None if has_errors(issues) or lacking * 2 > len(brief["values"]) else tagged


def is_right(tagged: Tagged, gold: Tagged) -> bool:
    """True if the annotation is the gold one; a text may differ in its line breaks and quotes alone."""

    def spans(one: Tagged) -> Counter:
        return Counter((one.text[e.start : e.end], e.label) for e in one.entities)

    same_text = "".join(tagged.text.split()).replace('"', "'") == "".join(gold.text.split()).replace('"', "'")
    return same_text and spans(tagged) == spans(gold)


def test_twice_as_many_answers_are_accepted_and_none_wrongly(request):
    answers = list(iter_answers())
    assert len(answers) == 200
    before, wrong_before, after, wrong = 0, 0, 0, []
    by_manner: Counter[str] = Counter()
    for answer in answers:
        gold = parse_tagged(answer.gold, LABELS)
        brief = make_brief(gold, answer.language)
        if strict := read_strictly(answer.content, brief):
            before += is_right(strict, gold)
            wrong_before += not is_right(strict, gold)
        verdict = judge_answer(Answer("id", content=answer.content), "draft", AnswerContext(LABELS, brief))
        if verdict.state != "ok":
            by_manner[f"{answer.manner}: {verdict.reason[:60]}"] += 1
            continue
        if is_right(parse_tagged(verdict.result["tagged_text"], LABELS), gold):
            after += 1
        else:
            wrong.append((answer.manner, verdict.result["tagged_text"]))
    say(
        request,
        f"\n{len(answers)} answers in {len(MANNERS)} manners: {before} read rightly and {wrong_before} wrongly by "
        f"the strict reader; {after} rightly and {len(wrong)} wrongly now ({after / before:.2f} times as many).",
        *(f"  refused {count} × {name}" for name, count in by_manner.most_common()),
    )
    assert wrong == []
    assert after >= 2 * before


def judge(answer, labels=LABELS):
    gold = parse_tagged(answer.gold, LABELS)
    context = AnswerContext(labels, make_brief(gold, answer.language))
    return gold, judge_answer(Answer("id", content=answer.content), "draft", context)


@pytest.mark.parametrize(
    "answer", [answer for answer, is_readable in iter_odd_answers() if is_readable], ids=str_manner
)
def test_odd_shapes_are_read_rightly(answer):
    gold, verdict = judge(answer)
    assert verdict.state == "ok", verdict.reason
    assert is_right(parse_tagged(verdict.result["tagged_text"], LABELS), gold)
    assert verdict.result.get("repairs") or read_strictly(answer.content, make_brief(gold, answer.language))


@pytest.mark.parametrize(
    "answer", [answer for answer, is_readable in iter_odd_answers() if not is_readable], ids=str_manner
)
def test_what_is_not_clear_is_refused(answer):
    _, verdict = judge(answer)
    assert verdict.state in {"invalid", "truncated"}
    assert ("stopped" in answer.manner) == (verdict.state == "truncated")


def test_no_shape_of_any_document_is_accepted_wrongly(request):
    states: Counter[str] = Counter()
    wrong, strictly = [], 0
    for answer in iter_all_odd_answers():
        gold, verdict = judge(answer)
        states[verdict.state] += 1
        strict = read_strictly(answer.content, make_brief(gold, answer.language))
        strictly += strict is not None and is_right(strict, gold)
        if verdict.state == "ok" and not is_right(parse_tagged(verdict.result["tagged_text"], LABELS), gold):
            wrong.append((answer.manner, answer.gold[:20]))
    say(
        request,
        f"\n{states.total()} answers in {len(READABLE)} readable and {len(REFUSED)} unreadable shapes: {strictly} read "
        f"rightly by the strict reader; {states['ok'] - len(wrong)} rightly and {len(wrong)} wrongly now.",
    )
    assert wrong == []


def say(request, *lines):
    """Print past pytest's capture."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        for line in lines:
            reporter.write_line(line)


def test_sixty_manners_of_model_families_are_read_rightly_or_refused(request):
    counts: Counter[str] = Counter()
    failed = []
    for answer, is_readable in iter_model_answers():
        gold, verdict = judge(answer)
        is_accepted = verdict.state == "ok"
        is_good = is_accepted and is_right(parse_tagged(verdict.result["tagged_text"], LABELS), gold)
        counts["right" if is_good else "wrong" if is_accepted else "refused"] += 1
        if is_good != is_readable or is_accepted != is_readable:
            failed.append((answer.manner, answer.language, verdict.state, verdict.reason))
    say(request, f"\n{counts.total()} answers in 60 manners of model families: {dict(counts)}.")
    assert failed == []
