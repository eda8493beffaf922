from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")

from goldspan.annotation.errors import ConfigurationError
from goldspan.predictors.model.encoding import load_tokenizer
from goldspan.training.models.causal.base import find_base
from goldspan.training.models.causal.chat import ChatTokenizer

ASKED = [{"role": "system", "content": "Tag names."}, {"role": "user", "content": "Zoë à 東京"}]
SPECIAL = 5
"""Ids of the base's special tokens lie below."""

ANSWER = {"role": "assistant", "content": "<NAME>Zoë</NAME> à 東京"}
TEMPLATES = {
    "own": None,
    "none": "",
    "no system role": "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}",
    "reasoning that can be off": "{% for m in messages %}<|{{ m['role'] }}|>"
    "{% if m['role'] == 'assistant' %}<|system|>{% endif %}{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% if enable_thinking is false %}<|system|>{% endif %}{% endif %}",
    "reasoning": "{% for m in messages %}<|{{ m['role'] }}|>"
    "{% if m['role'] == 'assistant' %}<|system|>{% endif %}{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}",
    "other opening": "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant><think></think>{% endif %}",
}


def make_tokenizer(base: Path, folder: Path, template: str | None) -> ChatTokenizer:
    shutil.copytree(base, folder)
    if template is not None:
        for path in folder.glob("*.jinja"):
            path.unlink()
        if template:
            (folder / "chat_template.jinja").write_text(template)
    return ChatTokenizer(find_base(str(folder)))


@pytest.fixture
def open_chat(causal_base: Path, tmp_path: Path) -> Callable[[str], ChatTokenizer]:
    return cache(lambda name: make_tokenizer(causal_base, tmp_path / "base", TEMPLATES[name]))


@pytest.mark.parametrize("name", TEMPLATES)
def test_an_answer_begins_where_the_prompt_ends_and_ends_with_a_stop(
    causal_base: Path, tmp_path: Path, name: str
) -> None:
    chat = make_tokenizer(causal_base, tmp_path / "base", TEMPLATES[name])
    whole, prompt = chat.encode([*ASKED, ANSWER]), chat.encode_prompt(ASKED)
    assert whole.ids[: whole.answer].tolist() == prompt.tolist()
    answer = whole.ids[whole.answer :].tolist()
    end = next(place for place, number in enumerate(answer) if number in chat.stops)
    assert chat.decode(answer[:end]) == ANSWER["content"]
    assert "Tag names." in chat.decode(prompt.tolist())


PIECES = ["<|end|>", "<|assistant|>", "<|user|>", "<|pad|>", "<|", "end|>", "<", "|", ">", "Zoë", " ", "\n", "\ue000"]


@pytest.mark.parametrize("name", ["own", "none", "no system role", "reasoning that can be off"])
@given(text=st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_text_never_becomes_special_tokens(open_chat: Callable[[str], ChatTokenizer], name: str, text: str) -> None:
    chat = open_chat(name)
    plain = [ASKED[0], {"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    told = [ASKED[0], {"role": "user", "content": f"a{text}b"}, {"role": "assistant", "content": f"c{text}d"}]
    whole = chat.encode(told)
    assert [number for number in whole.ids if number < SPECIAL] == [
        number for number in chat.encode(plain).ids if number < SPECIAL
    ]
    assert whole.ids[: whole.answer].tolist() == chat.encode_prompt(told[:2]).tolist()
    assert f"a{text}b" in chat.decode(whole.ids[: whole.answer].tolist())
    assert chat.decode(whole.ids[whole.answer :].tolist()).startswith(f"c{text}d")
    assert chat.count(f"a{text}b") >= len([piece for piece in text if piece in "<|>"])


def test_other_texts_are_encoded_as_the_base_does(causal_base: Path, tmp_path: Path) -> None:
    chat = make_tokenizer(causal_base, tmp_path / "base", None)
    raw = load_tokenizer((causal_base / "tokenizer.json").read_bytes())
    raw.encode_special_tokens = False
    rendered = f"<|system|>Tag names.<|end|><|user|>{ASKED[1]['content']}<|end|><|assistant|>"
    assert chat.encode_prompt(ASKED).tolist() == raw.encode(rendered).ids


def test_a_template_that_writes_the_date_gives_the_same_tokens_every_day(causal_base: Path, tmp_path: Path) -> None:
    chat = make_tokenizer(causal_base, tmp_path / "base", "{{ strftime_now('%d %b %Y') }}: {{ messages[0].content }}")
    assert chat.decode(chat.encode_prompt(ASKED).tolist()) == "26 Jul 2024: Tag names."


def test_a_template_that_refuses_everything_is_an_error(causal_base: Path, tmp_path: Path) -> None:
    chat = make_tokenizer(causal_base, tmp_path / "base", "{{ raise_exception('never') }}")
    with pytest.raises(ConfigurationError, match="refuses the conversation: never"):
        chat.encode_prompt(ASKED)
