"""A trained model as a predictor: opened from its model directory, run by ONNX on the CPU, never with torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from goldspan.annotation.corpus.uncertainty import score_tokens
from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, sort_spans
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.model.decode import DecodingOptions, decode_entities, measure_certainty
from goldspan.predictors.model.directory import ModelDirectory, open_directory
from goldspan.predictors.model.mentions import decode_mentions
from goldspan.predictors.model.runtime import OnnxRuntime
from goldspan.predictors.model.signing import SignaturePolicy
from goldspan.predictors.patterns.candidates import CHECKED
from goldspan.predictors.patterns.predictor import RegexPredictor

_TAGS_ALIKE = 0.9
_ENTITIES_ALIKE = 0.75
"""Shares of a probe's tags and entities that the model must give again; other processors round differently."""


class ModelPredictor(LocalPredictor):
    """Reads texts with a trained model.

    Entities with labels that the schema lacks are left out. With `patterns`, values with valid check digits are taken
    from the patterns wherever they overlap with what the model found.
    """

    def __init__(
        self,
        folder: Path,
        labels: LabelSchema,
        *,
        verify: str = "warn",
        key: str = "",
        recall: float | None = None,
        bias: float = 0.0,
        threshold: float = 0.0,
        patterns: bool = False,
        coreference: bool = True,
        threads: int = 1,
    ) -> None:
        self._directory = open_directory(folder, SignaturePolicy(verify), key)
        self.name = self._directory.name
        self.version = str(self._directory.manifest["fingerprint"])[:12]
        self.attribution: Mapping[str, str] = self._directory.manifest["encoder"].get("attribution", {})
        self._known = labels.entity_codes & {tag[2:] for tag in self._directory.tags if tag != "O"}
        self._patterns = RegexPredictor(labels) if patterns else None
        self.labels = self._known | (self._patterns.labels if self._patterns else frozenset())
        self._options = self._directory.calibration.choose(recall, bias, threshold)
        self._coreference = coreference
        self._runtime = open_runtime(self._directory, threads)
        check_probes(self._directory, self._runtime)

    @property
    def directory(self) -> ModelDirectory:
        """The verified model directory."""
        return self._directory

    def describe(self) -> dict[str, Any]:
        """Encoder, bundle and how the model is run."""
        manifest = self._directory.manifest
        return {
            "encoder": manifest["encoder"]["name"],
            "bundle": manifest["bundle"]["name"],
            "precision": manifest["precision"],
            "patterns": self._patterns is not None,
        }

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Entities without overlap, each with the mean probability of its label as score; mentions with clusters.

        Raises:
            ServiceError: the runtime failed.
        """
        encoded = self._runtime.encode([text.text for text in texts])
        outputs = self._runtime.run(encoded)
        checked = self._find_checked(texts)
        annotations = []
        for text, one, output, fixed in zip(texts, encoded, outputs, checked, strict=True):
            found = decode_entities(text.text, one, output.pii, self._directory.tags, self._options)
            kept = [e for e in found if e.label in self._known and not any(_overlap(e, other) for other in fixed)]
            mentions = decode_mentions(text.text, one, output, self._directory.coreference) if self._coreference else ()
            score = score_tokens(measure_certainty(output.pii, self._options.temperature))
            author = Author.model(self.model_version)
            annotations.append(Annotation(author, sort_spans([*kept, *fixed]), mentions, score=score))
        return annotations

    def _find_checked(self, texts: Sequence[TextInput]) -> list[list[Entity]]:
        if self._patterns is None:
            return [[] for _ in texts]
        return [
            [e for e in annotation.entities if e.score is not None and e.score >= CHECKED]
            for annotation in self._patterns.predict_batch(texts)
        ]


def open_runtime(directory: ModelDirectory, threads: int = 1) -> OnnxRuntime:
    """The runtime of a verified model."""
    return OnnxRuntime(directory.model, directory.tokenizer, directory.size, threads=threads, name=directory.name)


def check_probes(directory: ModelDirectory, runtime: OnnxRuntime) -> None:
    """Run the probe texts: an INT8 model can give noise, without any error, on processors without VNNI.

    Raises:
        StateError: the model does not give again what it gave where it was made.
    """
    encoded = runtime.encode([probe.text for probe in directory.probes])
    same = total = found = wanted = 0
    for probe, one, output in zip(directory.probes, encoded, runtime.run(encoded), strict=True):
        tags = output.pii.argmax(axis=1).tolist() if len(one) else []
        if len(tags) != len(probe.tags):
            raise StateError(f"The tokenizer of {directory.folder} splits the probe texts otherwise than recorded.")
        same += sum(one == other for one, other in zip(tags, probe.tags, strict=True))
        total += len(tags)
        entities = {e.span for e in decode_entities(probe.text, one, output.pii, directory.tags, DecodingOptions())}
        found += len(entities & set(probe.entities))
        wanted += len(probe.entities)
    if same < _TAGS_ALIKE * total or found < _ENTITIES_ALIKE * wanted:
        raise StateError(
            f"{directory.folder} gives other results on this processor than where it was made: {same} of {total} tags "
            f"and {found} of {wanted} entities of the probe texts are right. Quantised models need a processor with "
            "VNNI; train with skip_quantization = true for this one."
        )


def _overlap(one: Entity, other: Entity) -> bool:
    return one.start < other.end and other.start < one.end
