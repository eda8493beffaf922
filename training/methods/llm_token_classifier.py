"""The method `llm-token-classifier`: a causal language model, frozen or with adapters, and a linear tagging head."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from goldspan.annotation.files import explain_disk, make_private_folder
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.model.calibration import Calibration
from goldspan.training.bundle.verify import Bundle
from goldspan.training.methods.base import FitContext, Fitted, Method
from goldspan.training.models.causal.settings import LlmClassifierSettings

if TYPE_CHECKING:
    from goldspan.training.models.causal.fit import FittedClassifier


class LlmTokenClassifierMethod(Method[LlmClassifierSettings]):
    """Trains on the bundle; hidden states and checkpoints in the work folder let an interrupted fit go on."""

    name = "llm-token-classifier"
    title = "A causal language model with a tagging head, frozen or with LoRA"
    settings = LlmClassifierSettings

    def fit(self, bundle: Bundle, settings: LlmClassifierSettings, context: FitContext) -> Fitted:
        """Train, calibrate, write and sign."""
        settings.check()
        from goldspan.predictors.model.signing import make_key, sign_folder
        from goldspan.training.models.causal.artifact import FOLDER, write_classifier
        from goldspan.training.models.causal.fit import fit_classifier

        splits = {name: list(bundle.read_split(name, context.labels)) for name in ("train", "validation")}
        fitted = fit_classifier(
            splits["train"], splits["validation"], context.labels, settings, context.work, report=context.report
        )
        with explain_disk(context.staging):
            make_private_folder(context.staging)
            files = collect_files(fitted)
        manifest = write_classifier(
            context.staging,
            files,
            {
                "name": context.name,
                "bundle": {key: bundle.manifest[key] for key in ("name", "fingerprint")},
                "base": fitted.base.describe() | {"attention": settings.attention},
                "training": fitted.record | {"settings": asdict(settings)},
                "windows": {"tokens": settings.window_tokens, "overlap": settings.window_overlap},
                "metrics": {"validation": asdict(fitted.validation)},
            },
            context.labels,
            calibrate_classifier(fitted, context.labels),
        )
        sign_folder(context.staging / FOLDER, make_key(context.workspace.root / "keys" / "signing.pem"))
        adapter = fitted.record["adapter"] or {"tokens": 0}
        return Fitted(
            context.staging,
            usage={"tokens": fitted.record["head"]["tokens"] + adapter["tokens"]},
            details={
                "base": manifest["base"],
                "adapter": settings.adapter,
                "bytes": sum(len(data) for data in files.values()),
                "validation": asdict(fitted.validation),
            },
        )


def collect_files(fitted: FittedClassifier) -> dict[str, bytes]:
    """Head, tokenizer and adapter as bytes, by file name."""
    import orjson
    from safetensors.torch import save

    from goldspan.training.models.causal.artifact import HEAD, TOKENIZER
    from goldspan.training.models.causal.lora import dump_adapter

    document: dict[str, Any] = orjson.loads(fitted.tokenizer)
    document["truncation"] = document["padding"] = None
    files = {HEAD: save({"weight": fitted.weight, "bias": fitted.bias}), TOKENIZER: orjson.dumps(document)}
    if fitted.adapted is not None:
        files |= dump_adapter(fitted.adapted, fitted.base.name)
    return files


def calibrate_classifier(fitted: FittedClassifier, labels: LabelSchema) -> Calibration:
    """Temperature, operating points and thresholds from the validation split."""
    from goldspan.annotation.types import Annotation, Author
    from goldspan.training.artifact.calibrate import calibrate
    from goldspan.training.artifact.outputs import GoldOutputs

    gold = tuple(Annotation(Author.person("1"), example.gold) for example in fitted.examples)
    texts = tuple(example.text for example in fitted.examples)
    encoded = tuple(example.encoded for example in fitted.examples)
    return calibrate(GoldOutputs(texts, gold, encoded, fitted.outputs, labels.bio_table))
