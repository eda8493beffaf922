"""Optional libraries: named with the extra that installs them before work begins, without importing them."""

from __future__ import annotations

from importlib import util

from goldspan.annotation.errors import ConfigurationError


def require_packages(extra: str, *modules: str) -> None:
    """Raise unless all of these top-level modules are installed.

    Raises:
        ConfigurationError: some are not; the message names them and the extra.
    """
    if missing := [name for name in modules if util.find_spec(name) is None]:
        raise ConfigurationError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed. Install with: "
            f"pip install 'goldspan[{extra}]'"
        )
