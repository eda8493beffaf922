"""Rampart: a small token classifier for personal data (BERT, 6 layers, 18 M parameters, 4-bit ONNX) on the CPU.

The weights are the work of National Design Studio, CC BY 4.0; see `rampart_package.ATTRIBUTION`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.uncertainty import score_tokens
from goldspan.annotation.errors import ServiceError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.annotation.wording import format_count
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.rampart.package import ATTRIBUTION, find_model
from goldspan.predictors.tags import TaggedToken, read_tags
from goldspan.predictors.windows import choose_windows, split_range

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

LABEL_MAP: Mapping[str, str] = {
    "GIVEN_NAME": "FIRSTNAME",
    "SURNAME": "SURNAME",
    "EMAIL": "EMAIL",
    "PHONE": "PHONENUMBER",
    "URL": "URL",
    "TAX_ID": "TAXNUM",
    "BANK_ACCOUNT": "IBAN",
    "ROUTING_NUMBER": "",
    "GOVERNMENT_ID": "NATIONALID",
    "PASSPORT": "PASSPORTID",
    "DRIVERS_LICENSE": "DRIVERLICENSENUM",
    "BUILDING_NUMBER": "BUILDINGNUM",
    "STREET_NAME": "STREET",
    "SECONDARY_ADDRESS": "",
    "CITY": "CITY",
    "STATE": "STATE",
    "ZIP_CODE": "ZIP",
}
"""Rampart's types onto ours; empty: no counterpart. A BANK_ACCOUNT counts only where it is a valid IBAN."""

_BRIDGED = frozenset(
    ["EMAIL", "PHONE", "URL", "TAX_ID", "BANK_ACCOUNT", "GOVERNMENT_ID", "PASSPORT", "DRIVERS_LICENSE"]
)
_RUNS = ("EMAIL", "URL")
"""Labels whose values hold no white space: what the model saw of one is grown to the whole."""

_CHECKED = {"IBAN": "iban", "EMAIL": "email", "URL": "url"}
_NO_RUN = re.compile(r"[\s<>()\[\]{}\"',;|„“”«»]")
_BATCH = 8
"""Windows a run of the model, so that memory does not grow with the text."""

_WINDOW, _OVERLAP = 254, 48
"""Tokens without the two special ones. The model could take 510, but finds more in shorter windows."""


class RampartPredictor(LocalPredictor):
    """Reads a text in overlapping windows of tokens; each token is judged where it has most context around it."""

    name = "rampart"
    version = "1.4.0"
    attribution = ATTRIBUTION

    def __init__(self, labels: LabelSchema, *, threads: int = 1, threshold: float = 0.5) -> None:
        self.labels = labels.entity_codes & set(LABEL_MAP.values())
        self._threads = threads
        self._threshold = threshold
        self._folder = find_model()

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Entities without overlap, each with the model's mean probability as score.

        Raises:
            ServiceError: the model cannot be loaded or run.
        """
        return [self._read_text(text.text) for text in texts]

    def _read_text(self, text: str) -> Annotation:
        tokens = self._tag(text)
        found = read_tags(text, tokens, threshold=self._threshold, bridged=_BRIDGED)
        entities: list[Entity] = []
        for entity in found:
            mapped = self._map(text, entity)
            if mapped and (not entities or entities[-1].end <= mapped.start):
                entities.append(mapped)
        score = score_tokens([token.score for token in tokens])
        return Annotation(Author.model(self.model_version), tuple(entities), score=score)

    def _map(self, text: str, entity: Entity) -> Entity | None:
        label = LABEL_MAP[entity.label]
        if label not in self.labels:
            return None
        start, end = _grow_run(text, entity.start, entity.end) if label in _RUNS else (entity.start, entity.end)
        if label in _CHECKED and not check_value(_CHECKED[label], text[start:end]):
            return None
        return Entity(start, end, label, score=entity.score)

    def _tag(self, text: str) -> list[TaggedToken]:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        windows = split_range(len(encoding.ids), _WINDOW, _OVERLAP)
        if not windows:
            return []
        ids, offsets = encoding.ids, encoding.offsets
        tokens: list[TaggedToken] = []
        for row, (start, end, window) in enumerate(choose_windows(windows)):
            if row % _BATCH == 0:
                scores = self._run([ids[w.start : w.end] for w in windows[row : row + _BATCH]])
            part = scores[row % _BATCH, start - window.start : end - window.start]
            for index, (tag, score) in enumerate(zip(part.argmax(-1).tolist(), part.max(-1).tolist(), strict=True)):
                tokens.append(TaggedToken(*offsets[start + index], self._tags[tag], score))
        return tokens

    def _run(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """Probabilities of shape (windows, tokens, tags), the special tokens cut off."""
        first, last = self._special
        width = max(len(row) for row in rows) + 2
        ids = np.zeros((len(rows), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row) + 2] = [first, *row, last]
            mask[number, : len(row) + 2] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        try:
            logits = np.asarray(self._session.run(["logits"], feed)[0], dtype=np.float32)
        except Exception as error:  # noqa: BLE001
            raise ServiceError(
                f"Rampart could not read a text of {format_count(sum(map(len, rows)), 'token')}: {error}"
            ) from None
        if not np.isfinite(logits).all():
            raise ServiceError(
                f"Rampart gave NaN or infinite values for a text of {format_count(sum(map(len, rows)), 'token')}."
            )
        raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities: NDArray[np.float32] = raised / raised.sum(axis=-1, keepdims=True)
        return probabilities[:, 1:]

    @cached_property
    def _tags(self) -> list[str]:
        names = json.loads((self._folder / "config.json").read_bytes())["id2label"]
        return [names[str(number)] for number in range(len(names))]

    @cached_property
    def _special(self) -> tuple[int, int]:
        first, last = (self._tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
        if first is None or last is None:
            raise StateError(f"The tokenizer in {self._folder} has no [CLS] and [SEP].")
        return first, last

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _session(self) -> InferenceSession:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        model = str(self._folder / "onnx" / "model_q4.onnx")
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _grow_run(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and not _NO_RUN.match(text[start - 1]):
        start -= 1
    while end < len(text) and not _NO_RUN.match(text[end]):
        end += 1
    return start, start + len(text[start:end].rstrip(".:!?*_`"))
