"""API keys of providers, and the addresses that they may be sent to.

A key comes from the environment or `.env`, never from a workspace. It goes to the provider's own address, or to one
that the user named: beginning a run at an address confirms it for the key; one that only a journal names is refused.
"""

from __future__ import annotations

import os
from pathlib import Path

from goldspan.annotation.environment import read_env_file
from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.origins import (
    confirm_origin,
    is_loopback,
    read_origin,
    require_confirmed,
    require_private_channel,
)
from goldspan.generators.providers.profiles import ProviderProfile

NO_KEY = "none"
"""What is sent as key to a server on this machine that needs none."""


def find_key(profile: ProviderProfile, url: str, env_file: Path = Path(".env")) -> str:
    """The key from the environment or `.env`; a server on this machine needs none.

    Raises:
        ConfigurationError: names the variable that is missing, or the address that is not fit for a key.
    """
    origin = read_origin(url)
    name = profile.key_variable
    key = os.environ.get(name) or read_env_file(env_file).get(name)
    if key:
        require_private_channel(url, f"The key in {name}")
        return key
    if is_loopback(url):
        return NO_KEY
    raise ConfigurationError(
        f"There is no key for {origin}: set {name} in the environment or in .env. "
        "Without a key, `--provider offline` writes samples on this machine."
    )


def confirm_address(profile: ProviderProfile, url: str) -> None:
    """Remember that the user named an address for the provider's key; nothing to do where no key would be sent."""
    if not _is_own(profile, url) and find_key(profile, url) != NO_KEY:
        confirm_origin(profile.key_variable, url)


def require_address(profile: ProviderProfile, url: str, source: str, mend: str) -> None:
    """Refuse to send the provider's key to an address that the user has not named.

    Raises:
        ConfigurationError: names the address, its source, and the command that confirms it.
    """
    if not _is_own(profile, url) and find_key(profile, url) != NO_KEY:
        require_confirmed(profile.key_variable, url, source, mend)


def _is_own(profile: ProviderProfile, url: str) -> bool:
    return not is_loopback(url) and read_origin(url) == read_origin(profile.base_url)
