"""An encoder from the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.errors import ConfigurationError, ServiceError

_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "*.safetensors",
    "model.safetensors.index.json",
)


def download_encoder(repository: str, revision: str = "") -> Path:
    """The folder of a Hub model in the Hub's own cache; only safetensors are taken, never pickled weights.

    `revision` is a branch, tag or commit; empty for the newest one.

    Raises:
        ConfigurationError: the model is not there, or is not public and no token is set.
        ServiceError: the Hub did not answer.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(_FILES)))
    except RepositoryNotFoundError:
        raise ConfigurationError(
            f"The Hub has no model {repository}, or it is not public. Check the name, or set HF_TOKEN."
        ) from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ServiceError(
            f"The Hub did not give {repository} ({type(error).__name__}). Try again, or give a folder that holds the "
            "encoder."
        ) from None
