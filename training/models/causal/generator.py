"""A tuned language model on this machine as a predictor: it answers with tagged text, as a server's model would.

`open_predictor` finds it by name (`llm-adapter`); torch is imported when one is opened.

    adapter/
    ├── adapter_config.json, adapter_model.safetensors
    └── manifest.json        base with revision and fingerprint; SHA-256 of each file
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import InputError, ServiceError
from goldspan.annotation.extras import require_packages
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author
from goldspan.annotation.wording import format_count
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.model.signing import SignaturePolicy
from goldspan.predictors.prompting.prompt import (
    CUT_OFF,
    OVERLAP,
    VERSION,
    WINDOW,
    ParsedAnswer,
    build_messages,
    describe_prompt,
    find_room,
    read_answer,
)
from goldspan.predictors.windows import merge_readings, split_text

SCHEMA = "llm-adapter"
_TOKENS_A_TEXT, _MORE = 4, 128
"""An answer has at most so many tokens for each token of the text, and so many more."""


class AdaptedLlmPredictor(LocalPredictor):
    """Asks a tuned model for tagged text, greedily and without examples.

    `adapter` is its folder, `base` the place of the base model where that is not the recorded one. The annotation's
    score is the least share of an answer's values that could be placed, None when all answers were exact.
    """

    max_batch = 4

    def __init__(
        self,
        labels: LabelSchema,
        *,
        adapter: Path,
        base: str = "",
        verify: str = "warn",
        key: str = "",
        device: str = "auto",
        threads: int = 0,
        four_bit: bool = False,
    ) -> None:
        require_packages("train", "torch", "transformers", "peft")
        from transformers import GenerationConfig

        from goldspan.training.models.causal.backbone import load_model
        from goldspan.training.models.causal.base import read_config, require_same_base
        from goldspan.training.models.causal.chat import ChatTokenizer
        from goldspan.training.models.causal.lora import load_adapter
        from goldspan.training.models.causal.sealed import open_sealed
        from goldspan.training.models.device import choose_device

        sealed = open_sealed(adapter, SCHEMA, SignaturePolicy(verify), key)
        recorded = sealed.manifest["base"]
        self.name = str(sealed.manifest["name"])
        self.version = f"{str(sealed.manifest['fingerprint'])[:12]}-{VERSION}"
        self.labels = labels.entity_codes
        self.attribution: Mapping[str, str] = {name: recorded[name] for name in ("name", "licence", "source")}
        self._labels, self._base = labels, str(recorded["name"])
        self._device = choose_device(device, "auto", threads)
        found = require_same_base(recorded, base)
        self._chat = ChatTokenizer(found)
        self._longest = read_config(found.folder).longest
        model = load_model("AutoModelForCausalLM", found, self._device, four_bit=four_bit)
        model.generation_config = GenerationConfig()
        self._model: Any = load_adapter(model.requires_grad_(False), sealed.files)

    def describe(self) -> dict[str, Any]:
        """Base and prompt; the digest is that of the instructions, which follow from the label schema."""
        return {"base": self._base, **describe_prompt(self._labels), "temperature": 0.0, "shots": 0}

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Read texts, each in windows of its own, `max_batch` windows at a time.

        Raises:
            ServiceError: no answer about a window could be used.
            InputError: a window is longer than the base takes.
            StateError: memory ran out.
        """
        windows = [
            (number, window)
            for number, one in enumerate(texts)
            for window in split_text(one.text, WINDOW, OVERLAP)
            if one.text[window.start : window.end].strip()
        ]
        parts = [texts[number].text[window.start : window.end] for number, window in windows]
        starts = range(0, len(parts), self.max_batch)
        raw = [answer for start in starts for answer in self._generate(parts[start : start + self.max_batch])]
        answers = [self._parse(text, answer) for text, answer in zip(parts, raw, strict=True)]
        annotations = []
        for number in range(len(texts)):
            mine = [(w, parsed) for (n, w), parsed in zip(windows, answers, strict=True) if n == number]
            placed = [
                (w, [replace(e, start=e.start + w.start, end=e.end + w.start) for e in parsed.entities])
                for w, parsed in mine
            ]
            worst = min((parsed.share for _, parsed in mine if parsed.problem), default=None)
            annotations.append(Annotation(Author.model(self.model_version), merge_readings(placed), score=worst))
        return annotations

    def _parse(self, text: str, answer: str | None) -> ParsedAnswer:
        parsed = ParsedAnswer((), CUT_OFF, 0.0) if answer is None else read_answer(answer, text, self._labels)
        if parsed.problem and not parsed.share:
            raise ServiceError(f"The answer of {self.name} could not be used: {parsed.problem}.")
        return parsed

    def _generate(self, texts: Sequence[str]) -> list[str | None]:
        """The answer about each text, None where it did not end."""
        import torch

        from goldspan.training.models.device import SMALLER_BASE, explain_memory

        prompts = [self._chat.encode_prompt(build_messages(text, self._labels)) for text in texts]
        room = max(min(find_room(text), _TOKENS_A_TEXT * self._chat.count(text) + _MORE) for text in texts)
        width = max(len(prompt) for prompt in prompts)
        if self._longest and width >= self._longest:
            raise InputError(
                f"The prompt has {format_count(width, 'token')}; {self._base} takes {self._longest} with the answer."
            )
        room = min(room, self._longest - width) if self._longest else room
        ids = torch.full((len(prompts), width), self._chat.pad)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = torch.from_numpy(prompt)
            mask[row, width - len(prompt) :] = 1
        stops, kind = self._chat.stops, self._device.kind
        with torch.inference_mode(), explain_memory(SMALLER_BASE), self._device.autocast():
            found = self._model.generate(
                input_ids=ids.to(kind), attention_mask=mask.to(kind), max_new_tokens=room, do_sample=False,
                eos_token_id=stops, pad_token_id=self._chat.pad,
            )  # fmt: skip
        return [self._cut(row, stops) for row in found[:, width:].tolist()]

    def _cut(self, ids: Sequence[int], stops: Sequence[int]) -> str | None:
        end = next((place for place, number in enumerate(ids) if number in stops), None)
        return None if end is None else self._chat.decode(ids[:end])
