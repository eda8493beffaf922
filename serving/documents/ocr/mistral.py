"""Mistral OCR over HTTP, by choice only: pictures leave this machine.

Its boxes are those of paragraphs (`blocks` of OCR 4), not of words: where a word is masked, its whole block is covered.
"""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.environment import read_env_file
from goldspan.annotation.errors import ConfigurationError, ServiceError, TransientServiceError
from goldspan.annotation.loops import run_sync
from goldspan.annotation.origins import require_private_channel
from goldspan.annotation.redaction import redact
from goldspan.serving.documents.ocr.base import OcrEngine, OcrPage, OcrWord, order_lines

if TYPE_CHECKING:
    from PIL.Image import Image

URL = "https://api.mistral.ai"
KEY, ADDRESS = "MISTRAL_API_KEY", "GOLDSPAN_OCR_URL"
_MODEL = "mistral-ocr-latest"
_SECONDS = 180.0
_MAX_ANSWER = 16 * 1024 * 1024


class MistralEngine(OcrEngine):
    """`POST /v1/ocr`. `key` goes to `url` and nowhere else; a redirect is an error."""

    name = "mistral"

    def __init__(self, key: str, url: str = URL) -> None:
        require_private_channel(url, f"The key in {KEY}")
        self._key, self._url = key, url.rstrip("/")

    def read(self, picture: Image) -> OcrPage:
        """The blocks of a picture."""
        data = io.BytesIO()
        picture.convert("RGB").save(data, "PNG")
        address = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
        body = {
            "model": _MODEL,
            "document": {"type": "image_url", "image_url": address},
            "include_blocks": True,
            "include_image_base64": False,
        }
        return parse_answer(run_sync(self._ask(body)), picture.width, picture.height)

    async def _ask(self, body: dict[str, Any]) -> Any:
        try:
            import httpx2

            from goldspan.generators.providers.http import make_http_client
        except ImportError:
            raise ConfigurationError("OCR by mistral needs: pip install 'goldspan[generate]'") from None
        timeout, limits = httpx2.Timeout(_SECONDS), httpx2.Limits(max_connections=1)
        headers = {"Authorization": f"Bearer {self._key}"}
        try:
            async with make_http_client(self._url, limits, timeout, _MAX_ANSWER) as client:
                answer = await client.post("/v1/ocr", json=body, headers=headers)
        except httpx2.HTTPError as error:
            raise TransientServiceError(f"The OCR server does not answer ({type(error).__name__}).") from None
        if answer.is_redirect:
            target = redact(answer.headers.get("location", ""), [self._key])
            raise ServiceError(f"The OCR server redirects to {target}. Redirects are not followed; set {ADDRESS}.")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise TransientServiceError(f"The OCR server answers with status {answer.status_code}.")
        if answer.status_code != 200:
            raise ServiceError(f"The OCR server answers with status {answer.status_code}.")
        try:
            return answer.json()
        except ValueError:
            raise ServiceError("The OCR server gave an answer that is not JSON.") from None


def parse_answer(answer: Any, width: int, height: int) -> OcrPage:
    """The blocks of an answer as lines of one word each, boxes scaled to the picture.

    Raises:
        ServiceError: the answer is not as documented, or has text without boxes.
    """
    try:
        [page] = answer["pages"]
        blocks = page.get("blocks") or []
        size = page.get("dimensions") or {}
        across, down = width / (size.get("width") or width), height / (size.get("height") or height)
        lines = [[_read_block(block, across, down)] for block in blocks if str(block.get("content") or "").strip()]
        if not lines and str(page.get("markdown") or "").strip():
            raise ServiceError("The OCR server gave text without boxes; its model has to be OCR 4 or later.")
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise ServiceError("The OCR server gave an answer that is not as documented.") from None
    return order_lines(lines, width, height)


def _read_block(block: Any, across: float, down: float) -> OcrWord:
    box = (
        float(block["top_left_x"]) * across,
        float(block["top_left_y"]) * down,
        float(block["bottom_right_x"]) * across,
        float(block["bottom_right_y"]) * down,
    )
    return OcrWord(str(block["content"]), box)


def open_mistral() -> MistralEngine:
    """The engine with the key of the environment or `.env`; an address other than Mistral's from there too.

    Raises:
        ConfigurationError: there is no key, or it would go in clear to another machine.
    """
    stored = read_env_file(Path(".env"))
    key = os.environ.get(KEY) or stored.get(KEY, "")
    if not key:
        raise ConfigurationError(f"OCR by mistral needs a key in {KEY} (environment or .env).")
    return MistralEngine(key, os.environ.get(ADDRESS) or stored.get(ADDRESS, "") or URL)
