"""Whether the workspace's own Label Studio may ask a model: addresses of private networks are blocked by default."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from goldspan.annotation.labelstudio.api.credentials import load_account, normalise_url
from goldspan.annotation.labelstudio.server.environment import OnStatus
from goldspan.annotation.labelstudio.server.start import allow_local_models
from goldspan.annotation.tasks.workspace import Workspace


def allow_for(workspace: Workspace, studio_url: str, model_url: str, progress: OnStatus = lambda _: None) -> bool:
    """Let the workspace's own server ask a model at this address; True if it was started again for that.

    Another Label Studio, and one that may ask already, are left alone.
    """
    return _is_own(workspace, studio_url) and not is_public(model_url) and allow_local_models(workspace, True, progress)


def forbid_for(workspace: Workspace, studio_url: str, progress: OnStatus = lambda _: None) -> bool:
    """Undo `allow_for`; True if the server was started again for that."""
    return _is_own(workspace, studio_url) and allow_local_models(workspace, False, progress)


def is_public(url: str) -> bool:
    """True for an IP address of the public internet, and for a name with a dot, which is taken to be one."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".lan", ".localhost"))


def _is_own(workspace: Workspace, studio_url: str) -> bool:
    account = load_account(workspace)
    return account is not None and normalise_url(account.url) == normalise_url(studio_url)
