"""The method `token-classifier`: an encoder with three heads, trained, quantised and signed by the training flow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.files import write_atomic
from goldspan.training.bundle.verify import Bundle
from goldspan.training.config import TrainingConfig, override, parse_config, read_config
from goldspan.training.launch import read_model, resume_training, train
from goldspan.training.methods.base import FitContext, Fitted, Method
from goldspan.training.runs import DONE, find_run

BEGUN = "begun"
"""A file in the work folder of a fit that started its run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClassifierSettings:
    """What is usually set on the command line; `config` is a TOML file of everything (`goldspan train`).

    `encoder` is a name (`goldspan model encoders`), a folder or a Hub id. What is empty or None is left to `config`.
    """

    encoder: str = ""
    tokens: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    seed: int | None = None
    device: str = ""
    threads: int | None = None
    config: Path | None = None


class TokenClassifierMethod(Method[TokenClassifierSettings]):
    """Runs the training flow; its run has the name of the artifact, so `goldspan train status NAME` shows it."""

    name = "token-classifier"
    title = "An encoder (BERT, DistilBERT, MiniLM …) with a tagging head, as ONNX"
    settings = TokenClassifierSettings

    def fit(self, bundle: Bundle, settings: TokenClassifierSettings, context: FitContext) -> Fitted:
        """Start the run, or resume the one that an earlier attempt started."""
        try:
            status = find_run(context.workspace, context.name).read_state()["status"]
        except InputError:
            status = ""
        begun = context.work / BEGUN
        if status and not begun.is_file():
            raise StateError(
                f"There is a training run {context.name} that is not of this fit. Give the fit another --name."
            )
        write_atomic(begun, b"")
        if status == DONE:
            model = read_model(context.output, context.name)
        elif status:
            model = resume_training(context.name, workspace=context.workspace, report=context.report)
        else:
            model = train(
                bundle.folder,
                _make_config(settings),
                name=context.name,
                labels_file=context.labels_file,
                data=context.workspace.root,
                on_line=context.report,
            )
        training = model.manifest["training"]
        return Fitted(
            model.folder,
            usage={"tokens": int(training["tokens"])},
            details={"encoder": model.manifest["encoder"]["name"], "parameters": training["parameters"]},
        )


def _make_config(settings: TokenClassifierSettings) -> TrainingConfig:
    config = override(
        read_config(settings.config) if settings.config else TrainingConfig(),
        encoder=settings.encoder or None,
        token_budget=settings.tokens,
        num_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        device=settings.device or None,
        threads=settings.threads,
    )
    config = replace(config, paths=replace(config.paths, output_dir=""))
    return parse_config(config.to_json(), "The options")
