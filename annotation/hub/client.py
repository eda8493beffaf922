"""Hugging Face Hub client: list a repository at a revision, fetch its files, commit new ones.

Endpoint and token come from `HF_ENDPOINT` and `HF_TOKEN`, as `huggingface_hub` reads them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from httpx2 import Client, HTTPError, ReadError, Request, Response
from huggingface_hub import HfApi, constants, hf_hub_download, set_client_factory, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from goldspan.annotation.answers import AnswerLimitError, read_limited
from goldspan.annotation.errors import InputError, ServiceError, TerminalServiceError, TransientServiceError
from goldspan.annotation.origins import is_loopback, read_origin

_TIMEOUT = 60.0
_MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of a description of a repository; files have no limit."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A data set at one commit. `licence` is what its card says, or empty."""

    repository: str
    revision: str
    files: tuple[str, ...]
    licence: str = ""


def find_endpoint() -> str:
    """The origin of the Hub.

    Raises:
        ConfigurationError: `HF_ENDPOINT` is no address, or carries a password.
    """
    return read_origin(str(HfApi().endpoint))


class _BoundedClient(Client):
    """Answers that are read at once are bounded in size and time; files go to the disk in pieces."""

    def send(self, request: Request, *, stream: bool = False, **settings: Any) -> Response:
        response = super().send(request, stream=True, **settings)
        if stream:
            return response
        try:
            return read_limited(response, _MAX_ANSWER)
        except AnswerLimitError as error:
            raise ReadError(str(error), request=request) from None
        finally:
            response.close()


def _open_hub() -> HfApi:
    """The Hub's client; one on this machine is asked directly, whatever proxy the environment names."""
    api = HfApi()
    endpoint = str(api.endpoint)
    if endpoint != constants._HF_DEFAULT_ENDPOINT:
        trust = not is_loopback(endpoint)
        set_client_factory(lambda: _BoundedClient(follow_redirects=True, timeout=_TIMEOUT, trust_env=trust))
    return api


def open_snapshot(repository: str, revision: str | None = None) -> Snapshot:
    """Look up a data set and pin its revision (branch, tag or commit; the main branch by default) to a commit.

    Raises:
        ServiceError: the Hub does not know it, does not let us in, or did not answer.
    """
    with translate_errors(repository, revision):
        found = _open_hub().dataset_info(repository, revision=revision)
    licence = (found.card_data.get("license") if found.card_data else "") or ""
    files = tuple(sorted(sibling.rfilename for sibling in found.siblings or ()))
    return Snapshot(repository, found.sha or "", files, licence if isinstance(licence, str) else ", ".join(licence))


def fetch_file(snapshot: Snapshot, name: str) -> Path:
    """A file of a snapshot on the local disk; what was fetched before is not fetched again.

    Raises:
        ServiceError: the Hub did not give it.
    """
    _open_hub()
    with translate_errors(snapshot.repository, snapshot.revision):
        return Path(hf_hub_download(snapshot.repository, name, repo_type="dataset", revision=snapshot.revision))


def publish_folder(
    folder: Path, repository: str, *, message: str, create: bool, private: bool, kind: str = "dataset"
) -> str:
    """Commit all files of a folder to a data set or model (`kind`) in one commit, and return its address.

    Data files that the new version lacks are removed in the same commit.

    Raises:
        ServiceError: the repository is not there (and `create` is off), or the Hub refused.
    """
    with translate_errors(repository):
        if create:
            _open_hub().create_repo(repository, repo_type=kind, private=private, exist_ok=True)
        commit = _open_hub().upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type=kind,
            commit_message=message,
            delete_patterns=["data/*.parquet"] if kind == "dataset" else None,
        )
        return str(commit.commit_url)


def fetch_repository(repository: str, target: Path, *, revision: str | None, patterns: list[str]) -> str:
    """Download the files of a model that match patterns into a folder; the commit they are of.

    Raises:
        ServiceError: the Hub does not know it, does not let us in, or did not answer.
    """
    with translate_errors(repository, revision):
        commit = _open_hub().model_info(repository, revision=revision).sha or ""
        snapshot_download(repository, revision=commit, local_dir=target, allow_patterns=patterns)
    shutil.rmtree(target / ".cache", ignore_errors=True)
    return commit


@contextmanager
def translate_errors(repository: str, revision: str | None = None) -> Iterator[None]:
    """Turn what `huggingface_hub` raises into our errors, with what to do next."""
    try:
        yield
    except HFValidationError:
        raise InputError(f"{repository!r} is no repository id; give owner/name.") from None
    except GatedRepoError:
        raise TerminalServiceError(
            f"{repository} is gated: accept its terms on its page and set HF_TOKEN to a token of that account.", 403
        ) from None
    except RepositoryNotFoundError:
        raise TerminalServiceError(
            f"The Hub knows no repository {repository}, or it is private. Check the name; "
            "for a private one set HF_TOKEN, for a new one use --create-repo.",
            404,
        ) from None
    except RevisionNotFoundError:
        raise TerminalServiceError(f"{repository} has no revision {revision!r}.", 404) from None
    except HfHubHTTPError as error:
        raise _explain_status(repository, error) from None
    except (KeyError, ValueError, TypeError, AttributeError):
        raise TerminalServiceError(
            f"The answer about {repository} is not one of the Hub. Check HF_ENDPOINT.", 200
        ) from None
    except (HTTPError, OSError) as error:
        raise TransientServiceError(
            f"The Hub could not be reached for {repository} ({type(error).__name__}). "
            "Check the network and HF_ENDPOINT, then run the same command again."
        ) from None


def _explain_status(repository: str, error: HfHubHTTPError) -> ServiceError:
    status = error.response.status_code if error.response is not None else 0
    if status == 429 or status >= 500:
        return TransientServiceError(f"The Hub answered {status} for {repository}. Run the same command again later.")
    if status in {401, 403}:
        return TerminalServiceError(
            f"The Hub refused access to {repository} ({status}). Set HF_TOKEN to a token that may do this.",
            status,
        )
    return TerminalServiceError(
        f"The Hub answered {status} for {repository}: {error.server_message or 'no reason'}.", status
    )
