"""Where a secret may be sent: addresses, their origins, and which origins a user has confirmed.

A key or token belongs to an origin (scheme, host, port). It comes from what the user owns: the environment, `.env`, a
flag. A workspace is data: an address found in it gets a secret only when the user has confirmed that origin, by
naming it on the command line once. Confirmed origins are kept in the user's own configuration folder, never in a
workspace.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

import orjson

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.files import find_json, write_atomic

if TYPE_CHECKING:
    import ssl

_DEFAULT_PORTS = {"http": 80, "https": 443}


def read_origin(url: str) -> str:
    """The origin of an address, `scheme://host[:port]` in lower case without a default port.

    Raises:
        ConfigurationError: it is not an http or https address, or it carries a user name or password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError("The address is not a valid URL. Give one like https://host:8000/v1.") from None
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"The address of {host or 'the server'} carries a user name or password. Leave it out of the address."
        )
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ConfigurationError(f"{url[:80]!r} is not an http or https address. Give one like https://host:8000/v1.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme] else "")


def is_loopback(url: str) -> bool:
    """True for an address on this machine: `localhost`, 127.0.0.0/8, ::1."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Trust(TypedDict):
    """Settings of a client of httpx or httpx2: whose certificates it accepts, and whether it reads the environment."""

    verify: ssl.SSLContext | bool
    trust_env: bool


def choose_trust(url: str) -> Trust:
    """How a client that follows no redirect trusts an address: on this machine no proxy, over plain http no authority.

    Certificate authorities take 20 ms to load, which a client of plain http has no use for.
    """
    is_near = is_loopback(url)
    if not is_near or urlsplit(url).scheme != "http":
        return Trust(verify=True, trust_env=not is_near)
    import ssl

    return Trust(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)


def require_private_channel(url: str, what: str) -> None:
    """Refuse to send `what` (a key, a token) in clear to another machine.

    Raises:
        ConfigurationError: the address is neither https nor on this machine, or is not an address at all.
    """
    origin = read_origin(url)
    if origin.startswith("http://") and not is_loopback(url):
        raise ConfigurationError(f"{what} is not sent to {origin} over plain http. Use its https address.")


def confirm_origin(secret: str, url: str) -> None:
    """Remember that the user named this address for a secret, by the secret's variable name."""
    origin = read_origin(url)
    known = _read_confirmed()
    if origin not in known.get(secret, []):
        known.setdefault(secret, []).append(origin)
        path = _find_file()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS), mode=0o600)


def is_confirmed(secret: str, url: str) -> bool:
    """True if the user named this address for the secret before."""
    return read_origin(url) in _read_confirmed().get(secret, [])


def require_confirmed(secret: str, url: str, source: str, mend: str) -> None:
    """Refuse to send a secret to an address that only a workspace names.

    Args:
        secret: the secret's variable name, for example `OPENAI_API_KEY`.
        url: the address.
        source: the source of the address, for the message.
        mend: the command that confirms it.

    Raises:
        ConfigurationError: the user has not confirmed the origin.
    """
    if not is_confirmed(secret, url):
        raise ConfigurationError(
            f"{secret} is not sent to {read_origin(url)}: that address comes from {source}, and you have not used it "
            f"with this key before. If it is yours, confirm it once: {mend}"
        )


def _find_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "goldspan" / "origins.json"


def _read_confirmed() -> dict[str, list[str]]:
    known = find_json(_find_file()).items()
    return {name: [str(origin) for origin in value] for name, value in known if isinstance(value, list)}
