"""The base model of a causal method: found by name, folder or Hub id, and identified by what it holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.wording import describe_error
from goldspan.training.models.encoders.catalogue import ENCODERS, find_encoder

_SNAPSHOTS = "snapshots"
_CHUNK = 1 << 22
_NEEDED = ("config.json", "tokenizer.json")
_MORE = ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


@dataclass(frozen=True, slots=True)
class CausalBase:
    """A causal language model on this machine; `name` is a Hub id, a name of the catalogue, or a whole path.

    `revision` is the commit of a Hub model, empty for a folder. `fingerprint` is the SHA-256 over the names and
    contents of its configuration, tokenizer, chat template and weights.
    """

    name: str
    folder: Path
    revision: str
    fingerprint: str
    licence: str
    source: str

    def describe(self) -> dict[str, Any]:
        """What an artefact records of its base."""
        return {
            "name": self.name,
            "revision": self.revision,
            "fingerprint": self.fingerprint,
            "licence": self.licence,
            "source": self.source,
        }


def find_base(name: str, revision: str = "") -> CausalBase:
    """The base of a name, a folder or a Hub id.

    Raises:
        ConfigurationError: it is not there, or is no folder that transformers loads.
        UnknownNameError: the name is none of these.
        ServiceError: the Hub did not give it.
    """
    found = find_encoder(name, revision)
    if found.folder is None:
        raise ConfigurationError(
            f"The encoder {name} is no causal language model. Name a folder with config.json, tokenizer.json and "
            "weights in safetensors, or a Hub id."
        )
    folder = found.folder.resolve()
    return CausalBase(
        name if name in ENCODERS or not Path(name).is_dir() else str(folder),
        folder,
        folder.name if folder.parent.name == _SNAPSHOTS else "",
        fingerprint_base(folder),
        str(found.card.get("licence", "unknown")),
        str(found.card.get("source", name)),
    )


def require_same_base(recorded: dict[str, Any], location: str = "") -> CausalBase:
    """The base that an artefact records, from `location` if given, after its fingerprint was checked.

    Raises:
        ConfigurationError: it is not there.
        StateError: it is not the one that the artefact was trained on.
        ServiceError: the Hub did not give it.
    """
    base = find_base(location or recorded["name"], "" if location else recorded["revision"])
    if base.fingerprint != recorded["fingerprint"]:
        raise StateError(
            f"{base.folder} is not the base that this model was trained on: its fingerprint is "
            f"{base.fingerprint[:12]}…, expected {recorded['fingerprint'][:12]}… ({recorded['name']} "
            f"{recorded['revision'][:12]}). Give the right folder as option base."
        )
    return base


def fingerprint_base(folder: Path) -> str:
    """SHA-256 over the names and contents of configuration, tokenizer, chat template and weights.

    Raises:
        ConfigurationError: there are no weights in safetensors, it is an adapter, or a file cannot be read.
    """
    if (folder / "adapter_config.json").is_file():
        raise ConfigurationError(f"{folder} holds an adapter. Merge it into its base, and name the merged model.")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ConfigurationError(f"{folder} holds no weights in safetensors; other forms are not loaded.")
    hashed = hashlib.sha256()
    try:
        for path in (
            *(folder / name for name in _NEEDED),
            *filter(Path.is_file, map(folder.joinpath, _MORE)),
            *weights,
        ):
            one = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    one.update(chunk)
            hashed.update(path.name.encode() + b"\0" + one.digest())
    except OSError as error:
        raise ConfigurationError(f"The base model in {folder} cannot be read: {error.strerror}.") from None
    return hashed.hexdigest()


@dataclass(frozen=True, slots=True)
class CausalConfig:
    """What is read of a model's configuration: the width of its hidden states, and the most tokens at a time.

    `longest` is 0 if the configuration does not say.
    """

    hidden_size: int
    longest: int


def read_config(folder: Path) -> CausalConfig:
    """The configuration of the text model in a folder.

    Raises:
        ConfigurationError: it cannot be read.
    """
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        said = describe_error(error)[:200]
        raise ConfigurationError(f"transformers does not know the model in {folder}: {said}") from None
    text = config.get_text_config()
    return CausalConfig(int(text.hidden_size), int(getattr(text, "max_position_embeddings", 0) or 0))
