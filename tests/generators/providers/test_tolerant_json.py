from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.generators.providers.lenient_parser import TruncatedJsonError
from goldspan.generators.providers.tolerant_json import load_answer

KEYS = ("tagged_text", "proposals")
PLAIN = {"tagged_text": 'He said "hi".\nIt\'s <CITY>Lyon</CITY>, {really}.'}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(PLAIN),
        "\ufeff" + json.dumps(PLAIN),
        '<think>I use {braces} and "tagged_text".</think>' + json.dumps(PLAIN),
        "Thinking about it…</think>\n" + json.dumps(PLAIN),
        "Sure {friend}!\n```json\n" + json.dumps(PLAIN, indent=2) + "\n```\nDone {it}.",
        json.dumps([PLAIN]),
        json.dumps(json.dumps(PLAIN)),
        json.dumps({"answer": PLAIN}),
        json.dumps({"answer": json.dumps(PLAIN)}),
        json.dumps({**PLAIN, "note": "x", "confidence": 0.9}),
        json.dumps(PLAIN)[:-1] + ",}",
        json.dumps(PLAIN)[:-1],
        json.dumps(PLAIN).replace("\\n", "\n"),
        json.dumps(PLAIN).replace('\\"', '"'),
        json.dumps({"taggedText": PLAIN["tagged_text"]}),
        "{'tagged_text': " + repr(PLAIN["tagged_text"]) + "}",
        "{tagged_text: " + json.dumps(PLAIN["tagged_text"]) + "} // done",
        "{“tagged_text”: “" + PLAIN["tagged_text"] + "”}",
        '"tagged_text": ' + json.dumps(PLAIN["tagged_text"]),
        '{"tagged_text": """' + PLAIN["tagged_text"] + '"""}',
        json.dumps(PLAIN).replace("'", "\\'"),
    ],
)
def test_each_manner_gives_the_same_document(content):
    assert load_answer(content, KEYS).document == PLAIN


@pytest.mark.parametrize("cut", range(18, len(json.dumps(PLAIN)) - 2))
def test_what_is_cut_off_is_never_completed(cut):
    content = json.dumps(PLAIN)[:cut]
    with pytest.raises(ValueError):
        load_answer(content, KEYS)


def test_a_list_that_is_cut_off_is_truncated():
    content = '{"tagged_text": "x", "proposals": [{"kind": "add"}, {"kind"'
    with pytest.raises(TruncatedJsonError):
        load_answer(content, KEYS)


@pytest.mark.parametrize("content", ["", "Sorry.", "{", "[]", '{"other": 1}', "[{}, {}]", "null", '"text"'])
def test_what_holds_no_answer_is_refused(content):
    with pytest.raises(ValueError):
        load_answer(content, KEYS)


def test_repairs_are_named_and_a_clean_answer_has_none():
    assert load_answer(json.dumps(PLAIN), KEYS).repairs == ()
    assert load_answer(json.dumps([PLAIN])[:-2] + ",}]", KEYS).repairs


texts = st.text(max_size=40)


@given(texts)
def test_any_text_survives_any_wrapping(text):
    content = json.dumps({"tagged_text": text}, ensure_ascii=False)
    for wrapped in (content, f"[{content}]", f"Here:\n```json\n{content}\n```", json.dumps(content)):
        assert load_answer(wrapped, KEYS).document == {"tagged_text": text}


@given(st.text(alphabet="{}[]\":,'abtagged_text \\n“”", max_size=60))
def test_nothing_breaks_the_loader(content):
    try:
        load_answer(content, KEYS)
    except ValueError:
        return
