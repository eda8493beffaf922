from __future__ import annotations

import re
import sys

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.extras import require_packages


def test_what_is_there_is_found_without_an_import() -> None:
    loaded = "wave" in sys.modules
    require_packages("hub", "json", "wave")
    assert ("wave" in sys.modules) == loaded


@pytest.mark.parametrize(("modules", "said"), [(("nosuch",), "nosuch is"), (("nosuch", "nor"), "nosuch, nor are")])
def test_what_is_missing_is_named_with_its_extra(modules: tuple[str, ...], said: str) -> None:
    message = re.escape(f"{said} not installed. Install with: pip install 'goldspan[hub]'")
    with pytest.raises(ConfigurationError, match=message):
        require_packages("hub", "json", *modules)
