"""API keys of providers: from the environment or `.env`, never from a workspace."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from goldspan.annotation.environment import read_env_file
from goldspan.annotation.errors import ConfigurationError
from goldspan.generators.providers.profiles import ProviderProfile

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def find_key(profile: ProviderProfile, url: str, env_file: Path = Path(".env")) -> str:
    """The key from the environment or `.env`; a server on this machine needs none.

    Raises:
        ConfigurationError: names the variable that is missing.

    """
    name = profile.key_variable
    key = os.environ.get(name) or read_env_file(env_file).get(name)
    if key:
        return key
    if urlsplit(url).hostname in _LOOPBACK:
        return "none"
    raise ConfigurationError(
        f"There is no key for {url}: set {name} in the environment or in .env. "
        "Without a key, `--provider offline` writes samples on this machine."
    )
