"""Conversations as token ids, by the chat template of the base: the same in tuning and in prediction.

Only the template writes special tokens. Where a message says `<|im_end|>`, it is encoded as the text that it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from goldspan.annotation.errors import ConfigurationError, InputError
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

_PRIVATE = range(0xE000, 0xF900)
"""Characters that no standard gives a meaning; one that no message has marks where the tokenizer has to stop."""


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
        self._special = _compile_special([token.content for token in self._tokenizer.added_tokens_decoder.values()])

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
        messages, mark = self._mark_special(messages)
        prompt = self._render(messages[:-1], opened=True)
        whole = self._render(messages, opened=False)
        answer = (
            whole[len(prompt) :]
            if whole.startswith(prompt)
            else messages[-1]["content"] + str(self._tokenizer.eos_token)
        )
        before = self._encode(prompt, mark)
        return EncodedChat(np.array([*before, *self._encode(answer, mark)], dtype=np.int64), len(before))

    def encode_prompt(self, messages: Sequence[Message]) -> NDArray[np.int64]:
        """A conversation that the model is to answer."""
        messages, mark = self._mark_special(messages)
        return np.array(self._encode(self._render(messages, opened=True), mark), dtype=np.int64)

    def count(self, text: str) -> int:
        """Tokens of a text in a message."""
        [message], mark = self._mark_special([{"content": text}])
        return len(self._encode(message["content"], mark))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer, without special tokens."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _mark_special(self, messages: Sequence[Message]) -> tuple[list[Message], str]:
        """The messages with a mark inside of what would be special tokens, and the mark."""
        said = {character for message in messages for character in message["content"]}
        mark = next((chr(code) for code in _PRIVATE if chr(code) not in said), "")
        if not mark:
            raise InputError("A text with all characters of the private use area cannot be given to the base.")
        return [one | {"content": self._special.sub(rf"\g<0>{mark}", one["content"])} for one in messages], mark

    def _encode(self, text: str, mark: str = "") -> list[int]:
        """Token ids; what stands on both sides of a mark is encoded apart, and the mark left out."""
        parts = text.split(mark) if mark else [text]
        encoded = (self._tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"] for part in parts)
        return list(chain.from_iterable(encoded))

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


def _compile_special(tokens: Sequence[str]) -> regex.Pattern[str]:
    """The first character of each special token in a text; words and blanks that a base adds are ordinary tokens."""
    signs = [token for token in tokens if len(token) > 1 and regex.search(r"[^\w\s]", token)]
    rest = "|".join(f"{regex.escape(token[0])}(?={regex.escape(token[1:])})" for token in signs)
    return regex.compile(rest or r"(?!)")


def _merge_system(messages: Sequence[Message]) -> list[Message]:
    if len(messages) < 2 or messages[0]["role"] != "system":
        return list(messages)
    first = {**messages[1], "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
    return [first, *messages[2:]]
