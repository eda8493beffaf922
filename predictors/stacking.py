"""Open a CRF together with the predictor that it stands on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.project import Project
from goldspan.predictors.base import LocalPredictor
from goldspan.predictors.crf.predictor import CrfPredictor
from goldspan.predictors.crf.tagger import CrfTagger
from goldspan.predictors.registry import list_predictors, open_predictor

_BASES = frozenset({"schema", "regex", "rampart"})


def open_crf(
    labels: LabelSchema, *, model: Path, sha256: str = "", base: str = "", from_base: str = ""
) -> CrfPredictor:
    """Open a CRF.

    Args:
        labels: the label schema.
        model: the CRFsuite model.
        sha256: its SHA-256; a file that differs is not opened.
        base: the predictor beneath, by name (`regex+rampart`); empty for none.
        from_base: labels that are the base's alone, joined with commas.

    Raises:
        ConfigurationError: the base is no predictor of this machine, or python-crfsuite is not installed.
        StateError: the model is missing or not the one that was recorded.
    """
    try:
        content = model.read_bytes()
    except OSError as error:
        raise StateError(f"{model} cannot be read: {error.strerror}.") from None
    found = hashlib.sha256(content).hexdigest()
    if sha256 and found != sha256:
        raise StateError(f"{model} is not the file that was recorded. It was not loaded.")
    tagger = CrfTagger(content)
    return CrfPredictor(labels, tagger, found[:12], open_base(base, labels), from_base.split(","))


def name_base(project: Project | None) -> str:
    """The predictor of a project whose parts are all known by name and compute on this machine; else the patterns."""
    named = project.predictor if project else ""
    return named if named and all(part in _BASES for part in named.split("+")) else "regex"


def open_base(base: str, labels: LabelSchema) -> LocalPredictor | None:
    """The predictor that a CRF stands on; None for an empty name.

    Raises:
        ConfigurationError: it is not known by name, or it does not compute on this machine.
    """
    if not base:
        return None
    if unknown := [part for part in base.split("+") if part not in list_predictors() or part == "crf"]:
        raise ConfigurationError(f"A CRF is built on predictors by name, such as regex+rampart; {unknown[0]} is none.")
    predictor = open_predictor(base, labels)
    if not isinstance(predictor, LocalPredictor):
        raise ConfigurationError(f"A CRF is built on a predictor that computes on this machine; {base} asks a server.")
    return predictor
