"""Django settings of the Label Studio that `goldspan studio up` starts; they run in its environment, not in ours.

Label Studio's own settings ask for Django's settings while they are read, so they are read into this module.
"""

import importlib.util
import os
from pathlib import Path

_SOURCE = Path(str(importlib.util.find_spec("label_studio.core.settings.label_studio").origin))  # type: ignore[union-attr]
exec(compile(_SOURCE.read_text(encoding="utf-8"), _SOURCE, "exec"))  # noqa: S102

MIDDLEWARE = ["django.middleware.clickjacking.XFrameOptionsMiddleware", *MIDDLEWARE]  # type: ignore[has-type]  # noqa: F821
X_FRAME_OPTIONS = "SAMEORIGIN"
SESSION_COOKIE_NAME = os.environ.get("GOLDSPAN_SESSION_COOKIE", "sessionid")
SESSION_COOKIE_AGE = MAX_SESSION_AGE  # type: ignore[name-defined]  # noqa: F821
