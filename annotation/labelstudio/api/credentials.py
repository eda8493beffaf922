"""Resolve the Label Studio address, token and project.

Sources, the first that has a value wins: flags, environment variables, `.env` in the current folder, and the
file that `goldspan studio up` wrote. The token of that file is only ever sent to the server it was made for.

A workspace never decides where a token goes: an address that only `.env` names gets a token from elsewhere only after
the user has named it once with `--url`, and the address of the workspace's own server gets one only while the process
that was started listens there (`server.ownership`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import orjson

from goldspan.annotation.environment import read_env_file
from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.origins import confirm_origin, is_confirmed, require_confirmed, require_private_channel
from goldspan.annotation.tasks.workspace import Workspace

URL_VARIABLE = "LABEL_STUDIO_URL"
TOKEN_VARIABLE = "LABEL_STUDIO_API_KEY"  # noqa: S105
PROJECT_VARIABLE = "LABEL_STUDIO_PROJECT_ID"
_DOTENV = "{} in .env"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A server's address (no slash at the end), a token, and the project if one is chosen.

    `source` describes where address and token came from; `is_own` is True if the workspace's own server gave either.
    The token is left out of the repr.
    """

    url: str
    token: str = field(repr=False)
    project_id: int | None = None
    source: str = ""
    is_own: bool = False

    @property
    def has_personal_token(self) -> bool:
        """True for a personal access token, which is exchanged for short-lived ones; False for a legacy token."""
        return is_personal_token(self.token)


@dataclass(frozen=True, slots=True)
class StudioAccount:
    """The workspace's own server: address, owner, database. Stored in `credentials.json`, mode 0600.

    `local_models`: it may ask models on this machine, as `studio connect` needs.
    """

    url: str
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    database_url: str = field(default="", repr=False)
    project_id: int | None = None
    local_models: bool = False


def is_personal_token(token: str) -> bool:
    """True if the token has the shape of a JWT (three base64 parts), as personal access tokens have."""
    return token.startswith("eyJ") and token.count(".") == 2


def find_account_file(workspace: Workspace) -> Path:
    """Path of the account file of this workspace's server."""
    return workspace.studio / "credentials.json"


def load_account(workspace: Workspace) -> StudioAccount | None:
    """The account of this workspace's own server, or None if none was started.

    Raises:
        StateError: the file is broken.
    """
    path = find_account_file(workspace)
    try:
        return StudioAccount(**orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (TypeError, ValueError, OSError):
        raise StateError(
            f"{path} is not what `goldspan studio up` writes. Restore it, or move the folder {path.parent} away "
            "and start again."
        ) from None


def save_account(workspace: Workspace, account: StudioAccount) -> None:
    """Write the account with mode 0600."""
    workspace.studio.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(find_account_file(workspace), orjson.dumps(asdict(account), option=orjson.OPT_INDENT_2), mode=0o600)


def remember_project(workspace: Workspace, project_id: int) -> None:
    """Make this project the default of this workspace's own server, if there is one."""
    account = load_account(workspace)
    if account is not None and account.project_id != project_id:
        save_account(workspace, replace(account, project_id=project_id))


def resolve_credentials(
    workspace: Workspace, url: str | None = None, token: str | None = None, project_id: int | None = None
) -> Credentials:
    """The server, token and project to use.

    Raises:
        ConfigurationError: no server or no token is known, the address is not one that the user named, or the
            project id is not a number.
    """
    account = load_account(workspace)
    dotenv = read_env_file(Path(".env"))
    url_found, url_source = _pick(url, "--url", URL_VARIABLE, dotenv)
    token_found, token_source = _pick(token, "--token", TOKEN_VARIABLE, dotenv)
    project_found, project_source = _pick(str(project_id or ""), "--project", PROJECT_VARIABLE, dotenv)
    url_found = normalise_url(url_found)
    own = account is not None and (not url_found or url_found == account.url)
    file = str(find_account_file(workspace))
    if account is not None and own:
        url_found, url_source = account.url, url_source or file
        token_found, token_source = token_found or account.token, token_source or file
        project_found = project_found or str(account.project_id or "")
    if not url_found:
        raise ConfigurationError(
            "No Label Studio is configured. Start one with `goldspan studio up`, or name yours with --url and --token "
            f"(or {URL_VARIABLE} and {TOKEN_VARIABLE}, in the environment or in .env)."
        )
    if not token_found:
        raise ConfigurationError(
            f"There is no token for {url_found} (address from {url_source}). Copy one from Account & Settings in "
            f"Label Studio and give it with --token, or set {TOKEN_VARIABLE} in the environment or in .env."
        )
    if project_found and not (project_found.isascii() and project_found.isdigit() and int(project_found) > 0):
        raise ConfigurationError(f"The project id {project_found[:40]!r} (from {project_source}) is not a number.")
    is_own = own and file in (url_source, token_source)
    if not is_own:
        _check_destination(url_found, url_source, token_source)
    source = url_source if url_source == token_source else f"{url_source} and {token_source}"
    return Credentials(url_found, token_found, int(project_found) if project_found else None, source, is_own)


def _check_destination(url: str, url_source: str, token_source: str) -> None:
    """Refuse to send a token to an address that the user did not name."""
    if url_source == "--url":
        confirm_origin(TOKEN_VARIABLE, url)
    elif url_source == _DOTENV.format(URL_VARIABLE):
        if token_source != _DOTENV.format(TOKEN_VARIABLE):
            require_confirmed(TOKEN_VARIABLE, url, url_source, f"goldspan studio doctor --url {url}")
        if not is_confirmed(TOKEN_VARIABLE, url):
            require_private_channel(url, "The Label Studio token")


def normalise_url(url: str) -> str:
    """The address with a scheme and without a slash at the end; empty stays empty."""
    url = url.strip().rstrip("/")
    return f"http://{url}" if url and "://" not in url else url


def _pick(flag: str | None, flag_name: str, variable: str, dotenv: Mapping[str, str]) -> tuple[str, str]:
    candidates = (
        (flag, flag_name),
        (os.environ.get(variable), variable),
        (dotenv.get(variable), _DOTENV.format(variable)),
    )
    return next(((value.strip(), source) for value, source in candidates if value and value.strip()), ("", ""))
