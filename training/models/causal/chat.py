"""Conversations as token ids, by the chat template of the base: the same in tuning and in prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.wording import describe_error
from goldspan.training.models.causal.base import CausalBase

Message = dict[str, str]

_PLAIN_TEMPLATE = (
    "{% for message in messages %}### {{ message['role'] }}\n{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant\n{% endif %}"
)
"""For bases without a chat template."""

_PROBE = "1234"
_FIXED_DATE = "{% macro strftime_now(format) %}26 Jul 2024{% endmacro %}"
"""Put in front of a template: one that writes the date gives the same tokens every day."""


@dataclass(frozen=True, slots=True)
class EncodedChat:
    """Token ids of a conversation; the answer begins at `answer`, the end-of-turn token included."""

    ids: NDArray[np.int64]
    answer: int


class ChatTokenizer:
    """The tokenizer and chat template of a base."""

    def __init__(self, base: CausalBase) -> None:
        import transformers

        try:
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                base.folder, trust_remote_code=False, local_files_only=True
            )
        except Exception as error:  # noqa: BLE001
            said = describe_error(error)[:200]
            raise ConfigurationError(f"The tokenizer in {base.folder} cannot be loaded: {said}") from None
        if self._tokenizer.eos_token_id is None:
            raise ConfigurationError(f"The tokenizer in {base.folder} names no end-of-text token (eos_token).")
        template = self._tokenizer.get_chat_template() if self._tokenizer.chat_template else _PLAIN_TEMPLATE
        self._tokenizer.chat_template = _FIXED_DATE + template

    @property
    def pad(self) -> int:
        """The id of padding."""
        pad = self._tokenizer.pad_token_id
        return int(self._tokenizer.eos_token_id if pad is None else pad)

    @property
    def stops(self) -> list[int]:
        """Ids that end an answer: end of text, and the special token that the template puts behind one."""
        asked = [{"role": "user", "content": "a"}, {"role": "assistant", "content": _PROBE}]
        _, found, behind = self._render(asked, opened=False).rpartition(_PROBE)
        special = set(self._tokenizer.all_special_ids) | set(self._tokenizer.added_tokens_decoder)
        ends = [number for number in self._encode(behind) if number in special] if found else []
        return sorted({int(self._tokenizer.eos_token_id), *ends[:1]})

    def encode(self, messages: Sequence[Message]) -> EncodedChat:
        """A conversation whose last message is the answer."""
        prompt = self._render(messages[:-1], opened=True)
        whole = self._render(messages, opened=False)
        answer = (
            whole[len(prompt) :]
            if whole.startswith(prompt)
            else messages[-1]["content"] + str(self._tokenizer.eos_token)
        )
        before = self._encode(prompt)
        return EncodedChat(np.array([*before, *self._encode(answer)], dtype=np.int64), len(before))

    def encode_prompt(self, messages: Sequence[Message]) -> NDArray[np.int64]:
        """A conversation that the model is to answer."""
        return np.array(self._encode(self._render(messages, opened=True)), dtype=np.int64)

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self._encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer, without special tokens."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _render(self, messages: Sequence[Message], *, opened: bool) -> str:
        """The text of a conversation, without reasoning where the template lets it be switched off.

        Templates that know no system role get it in front of the first question.
        """
        from jinja2 import TemplateError

        options = {"tokenize": False, "add_generation_prompt": opened, "enable_thinking": False}
        try:
            return str(self._tokenizer.apply_chat_template(list(messages), **options))
        except TemplateError:
            merged = _merge_system(messages)
        try:
            return str(self._tokenizer.apply_chat_template(merged, **options))
        except TemplateError as error:
            raise ConfigurationError(f"The chat template of the base refuses the conversation: {error}.") from None


def _merge_system(messages: Sequence[Message]) -> list[Message]:
    if len(messages) < 2 or messages[0]["role"] != "system":
        return list(messages)
    first = {**messages[1], "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
    return [first, *messages[2:]]
