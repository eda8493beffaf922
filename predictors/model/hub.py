"""Model directories on the Hugging Face Hub: publish one, or fetch one and verify it before it is used.

quantized   the folder `quantized/` with its signature beside it: what Goldspan opens
trained     the files of `trained/` at the top of the repository: what `transformers` loads by the repository's name
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.files import explain_disk, stage_folder
from goldspan.annotation.hub.client import fetch_repository, publish_folder
from goldspan.predictors.model.directory import open_directory
from goldspan.predictors.model.signing import SignaturePolicy

VARIANTS = ("quantized", "trained")
_CARD = "README.md"
_SIGNATURES = ("quantized.sig", "quantized.pub")


def stage_model(model: Path, target: Path, variant: str = "quantized", dataset: str = "") -> list[str]:
    """Copy what is published of a model directory into an empty folder; the names of the files.

    The card names `dataset`, the Hub's data set that the model was trained on, if it is given.

    Raises:
        InputError: there is no such variant, or the model directory does not have it.
        StateError: the model is not what its signature says.
    """
    if variant not in VARIANTS:
        raise InputError(f"--variant is {' or '.join(VARIANTS)}, not {variant!r}.")
    source = model / variant
    if not source.is_dir():
        raise InputError(f"{model} has no folder {variant}; give a model directory that `goldspan train` wrote.")
    if not open_directory(model).verification.signed:
        raise StateError(f"{model} is not signed. Train it anew, or sign it, before it is published.")
    card = model / "quantized" / _CARD
    with explain_disk(target):
        if variant == "quantized":
            shutil.copytree(source, target / variant)
            for name in _SIGNATURES:
                shutil.copyfile(model / name, target / name)
        else:
            shutil.copytree(source, target, dirs_exist_ok=True)
        if card.is_file():
            (target / _CARD).write_text(_name_dataset(card.read_text(encoding="utf-8"), dataset), encoding="utf-8")
    return sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())


def upload_model(
    model: Path, repository: str, variant: str = "quantized", *, dataset: str = "", public: bool = False
) -> str:
    """Publish a model directory in one commit, in a repository that is private unless `public`; the commit's address.

    Raises:
        InputError: the model directory lacks the variant.
        StateError: the model is not what its signature says.
        ServiceError: the Hub refused, or could not be reached.
    """
    with tempfile.TemporaryDirectory() as folder:
        stage_model(model, Path(folder), variant, dataset)
        message = f"Goldspan: {model.name}, {variant}"
        return publish_folder(Path(folder), repository, message=message, create=True, private=not public, kind="model")


def download_model(
    repository: str, target: Path, *, revision: str | None = None, key: str = "", verify: bool = True
) -> str:
    """Fetch a published model directory into a new folder, which appears only when it was verified; its commit.

    `key` pins who may have signed it: a PEM file or a fingerprint. Without one the signature only says that the files
    belong together.

    Raises:
        InputError: `target` exists, or the repository holds no model directory of Goldspan.
        StateError: it is not what its signature says.
        ServiceError: the Hub does not have it, or could not be reached.
    """
    if target.exists():
        raise InputError(f"{target} exists. Give a new folder.")
    with stage_folder(target) as folder:
        wanted = ["quantized/*", *_SIGNATURES]
        commit = fetch_repository(repository, folder / "model", revision=revision, patterns=wanted)
        if not (folder / "model" / "quantized").is_dir():
            raise InputError(f"{repository} holds no folder quantized: it is no model directory of Goldspan.")
        policy = (SignaturePolicy.REQUIRE if key else SignaturePolicy.WARN) if verify else SignaturePolicy.OFF
        if not open_directory(folder / "model", policy, key).verification.signed and verify:
            raise StateError(f"{repository} is not signed. It was not kept.")
        (folder / "model").rename(target)
    return commit


def _name_dataset(card: str, dataset: str) -> str:
    """The card with the data set in its metadata."""
    if not dataset:
        return card
    head, mark, rest = card.partition("---\n")
    if head or not mark:
        raise StateError(
            "The model card (quantized/README.md) does not begin with its metadata, a block between two lines `---`. "
            "Train the model again, or leave out the data set."
        )
    return f"---\ndatasets:\n- {dataset}\n{rest}"
