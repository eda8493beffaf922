"""What a model directory promises to others, checked without running their software.

goldspan       the manifest, every file, probe texts
signature      who made it
kiji           the rules of kiji's loader
transformers   `trained/` as a standard token classification model
browser        what transformers.js reads
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.wording import describe_error
from goldspan.predictors.model import directory as layout
from goldspan.predictors.model.predictor import check_probes, open_runtime
from goldspan.predictors.model.signing import SignaturePolicy, verify_folder

_KIJI_WINDOW = 512
_BROWSER_LIMIT = 30_000_000
_SHARDS = ("model.safetensors", "model.safetensors.index.json")


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """One contract: whether it holds, and why not."""

    contract: str
    holds: bool
    reasons: tuple[str, ...] = ()


def check_contracts(path: Path, *, key: str = "") -> list[ContractCheck]:
    """Check every contract of a model directory; nothing is raised for one that does not hold.

    Raises:
        InputError: it is not a model directory.
    """
    folder = layout.find_served_folder(path)
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "signature": lambda: _check_signature(folder, key),
        "goldspan": lambda: _check_own(folder),
        "kiji": lambda: _check_kiji(folder),
        "transformers": lambda: _check_transformers(folder),
        "browser": lambda: _check_browser(folder),
    }
    return [_run(name, check) for name, check in checks.items()]


def _run(name: str, check: Callable[[], Iterator[str]]) -> ContractCheck:
    try:
        reasons = tuple(check())
    except GoldspanError as error:
        reasons = (str(error),)
    except OSError as error:
        reasons = (f"{Path(error.filename or 'a file').name} cannot be read: {describe_error(error)}",)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        reasons = (f"cannot be checked: {type(error).__name__}: {describe_error(error)}",)
    return ContractCheck(name, not reasons, reasons)


def _check_signature(folder: Path, key: str) -> Iterator[str]:
    found = verify_folder(folder, SignaturePolicy.WARN, key)
    if not found.signed:
        yield "it is not signed"


def _check_own(folder: Path) -> Iterator[str]:
    opened = layout.open_directory(folder, SignaturePolicy.OFF)
    check_probes(opened, open_runtime(opened))
    yield from layout.list_trained_faults(opened)


def _check_kiji(folder: Path) -> Iterator[str]:
    """Files, mappings, tokenizer and transitions as the loader needs them; a 512-token window through the graph."""
    import numpy as np

    if (folder / "model.onnx").exists():
        yield "model.onnx lies beside the served graph, and kiji would load that one"
    tokenizer = _load(folder / layout.TOKENIZER)
    for name in ("truncation", "padding"):
        if tokenizer.get(name) is not None:
            yield f"tokenizer.json sets {name}"
    mappings = _load(folder / layout.MAPPINGS)["pii"]
    names = {int(number): name for number, name in mappings["id2label"].items() if int(number) >= 0}
    if sorted(names) != list(range(len(names))):
        yield "label_mappings.json skips a number"
    if {name: number for number, name in names.items()} != mappings["label2id"]:
        yield "label2id and id2label differ"
    transitions = _load(folder / layout.TRANSITIONS)
    count = len(names)
    if [len(row) for row in transitions["transitions"]] != [count] * count:
        yield f"crf_transitions.json is not {count} by {count}"
    if len(transitions["start_transitions"]) != count or len(transitions["end_transitions"]) != count:
        yield "start or end transitions have the wrong length"
    session = _open_session(folder)
    ids = np.zeros((1, _KIJI_WINDOW), dtype=np.int64)
    mask = np.zeros_like(ids)
    mask[0, :8] = 1
    logits = session.run(["pii_logits"], {"input_ids": ids, "attention_mask": mask})[0]
    if tuple(logits.shape) != (1, _KIJI_WINDOW, count):
        yield f"pii_logits is of shape {tuple(logits.shape)}, expected (1, {_KIJI_WINDOW}, {count})"


def _check_transformers(folder: Path) -> Iterator[str]:
    trained = folder.parent / layout.TRAINED
    if not trained.is_dir():
        yield "there is no trained/ beside it"
        return
    if not any((trained / name).is_file() for name in _SHARDS):
        yield "trained/ has no model.safetensors"
    config = _load(trained / layout.CONFIG)
    if not any(name.endswith("ForTokenClassification") for name in config.get("architectures", ())):
        yield "config.json names no class for token classification"
    own = _load(folder / layout.MAPPINGS)["pii"]["id2label"]
    if {str(number): name for number, name in config.get("id2label", {}).items()} != own:
        yield "config.json and label_mappings.json name other labels"
    if _load(trained / layout.TOKENIZER).get("truncation") is not None:
        yield "trained/tokenizer.json truncates texts"


def _check_browser(folder: Path) -> Iterator[str]:
    size = (folder / layout.MODEL).stat().st_size
    if size > _BROWSER_LIMIT:
        yield f"the graph has {size / 1e6:.0f} MB, more than {_BROWSER_LIMIT / 1e6:.0f}"
    if "id2label" not in _load(folder / layout.CONFIG):
        yield "config.json has no id2label"
    if "logits" not in {output.name for output in _open_session(folder).get_outputs()}:
        yield "the graph has no output named logits"


def _load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(path.read_bytes())
    return document


def _open_session(folder: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        (folder / layout.MODEL).read_bytes(), options, providers=["CPUExecutionProvider"]
    )
