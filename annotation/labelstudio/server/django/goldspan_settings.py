"""Django settings of the Label Studio that `goldspan studio up` starts; they run in its environment, not in ours."""

from label_studio.core.settings.label_studio import *  # type: ignore[import-not-found]  # noqa: F403
from label_studio.core.settings.label_studio import MIDDLEWARE as _MIDDLEWARE

MIDDLEWARE = ["django.middleware.clickjacking.XFrameOptionsMiddleware", *_MIDDLEWARE]
X_FRAME_OPTIONS = "SAMEORIGIN"
