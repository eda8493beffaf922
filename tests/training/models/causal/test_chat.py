from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from goldspan.annotation.errors import ConfigurationError
from goldspan.training.models.causal.base import find_base
from goldspan.training.models.causal.chat import ChatTokenizer

ASKED = [{"role": "system", "content": "Tag names."}, {"role": "user", "content": "Zoë à 東京"}]
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


def test_a_template_that_writes_the_date_gives_the_same_tokens_every_day(causal_base: Path, tmp_path: Path) -> None:
    chat = make_tokenizer(causal_base, tmp_path / "base", "{{ strftime_now('%d %b %Y') }}: {{ messages[0].content }}")
    assert chat.decode(chat.encode_prompt(ASKED).tolist()) == "26 Jul 2024: Tag names."


def test_a_template_that_refuses_everything_is_an_error(causal_base: Path, tmp_path: Path) -> None:
    chat = make_tokenizer(causal_base, tmp_path / "base", "{{ raise_exception('never') }}")
    with pytest.raises(ConfigurationError, match="refuses the conversation: never"):
        chat.encode_prompt(ASKED)
