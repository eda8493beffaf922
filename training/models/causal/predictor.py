"""An LLM token classifier as a predictor: the base with head and adapter, run by torch.

`open_predictor` finds it by name (`llm-classifier`); torch is imported when one is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldspan.annotation.extras import require_packages
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, sort_spans
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.model.decode import decode_entities
from goldspan.predictors.model.encoding import encode_texts, load_tokenizer
from goldspan.predictors.model.signing import SignaturePolicy

if TYPE_CHECKING:
    from goldspan.training.models.causal.artifact import ClassifierFolder
    from goldspan.training.models.device import Device
    from goldspan.training.models.network import SpanNetwork


class CausalPredictor(LocalPredictor):
    """Reads texts with a trained LLM token classifier. Entities with labels that the schema lacks are left out.

    `classifier` is its folder, `base` the place of the base model where that is not the recorded one.
    """

    def __init__(
        self,
        labels: LabelSchema,
        *,
        classifier: Path,
        base: str = "",
        verify: str = "warn",
        key: str = "",
        recall: float | None = None,
        bias: float = 0.0,
        threshold: float = 0.0,
        device: str = "auto",
        bf16: str = "auto",
        threads: int = 0,
    ) -> None:
        require_packages("train", "torch", "transformers")
        from goldspan.training.models.causal.artifact import open_classifier
        from goldspan.training.models.device import choose_device

        self._classifier = open_classifier(classifier, SignaturePolicy(verify), key)
        manifest = self._classifier.manifest
        self.name = str(manifest["name"])
        self.version = str(manifest["fingerprint"])[:12]
        self.labels = labels.entity_codes & {tag[2:] for tag in self._classifier.tags if tag != "O"}
        licence = {key: manifest["base"][key] for key in ("name", "licence", "source")}
        self.attribution: Mapping[str, str] = licence
        self._options = self._classifier.calibration.choose(recall, bias, threshold)
        self._device = choose_device(device, bf16, threads)
        self._tokenizer = load_tokenizer(self._classifier.files["tokenizer.json"])
        self._network = _build(self._classifier, base, self._device)

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Entities without overlap, each with the mean probability of its label as score.

        Raises:
            StateError: memory ran out.
        """
        from goldspan.training.models.device import SMALLER_BASE, explain_memory
        from goldspan.training.models.inference import run_network

        encoded = encode_texts(self._tokenizer, [text.text for text in texts])
        size, tags = self._classifier.size, self._classifier.tags
        with explain_memory(SMALLER_BASE):
            outputs = run_network(self._network, encoded, size, self._device)
        annotations = []
        for text, one, output in zip(texts, encoded, outputs, strict=True):
            found = decode_entities(text.text, one, output.pii, tags, self._options)
            kept = sort_spans(entity for entity in found if entity.label in self.labels)
            annotations.append(Annotation(Author.model(self.model_version), kept))
        return annotations


def _build(classifier: ClassifierFolder, location: str, device: Device) -> SpanNetwork:
    import torch
    from safetensors.torch import load

    from goldspan.annotation.errors import StateError
    from goldspan.training.models.causal.artifact import HEAD
    from goldspan.training.models.causal.backbone import BackboneSettings, load_backbone
    from goldspan.training.models.causal.base import require_same_base
    from goldspan.training.models.causal.lora import load_adapter
    from goldspan.training.models.causal.tagger import make_network

    manifest = classifier.manifest
    base = require_same_base(manifest["base"], location)
    choice = BackboneSettings(manifest["base"]["attention"], manifest["training"]["four_bit"])
    backbone = load_backbone(base, choice, device, classifier.size.tokens)
    if classifier.has_adapter:
        backbone.model = load_adapter(backbone.model, classifier.files)
    network = make_network(backbone, len(classifier.tags))
    head = load(classifier.files[HEAD])
    tagger = network.tagger.get_submodule("head")
    with torch.no_grad():
        for name, parameter in tagger.named_parameters():
            if name not in head or head[name].shape != parameter.shape:
                raise StateError(f"{classifier.sealed.folder / HEAD} does not fit the base {base.name}.")
            parameter.copy_(head[name])
    return network.to(device.kind).eval()
