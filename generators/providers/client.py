"""One chat completion over the wire: AsyncOpenAI without its own retries, errors translated to ours.

429 is not retried here: the pool handles it. Dropped connections and 5xx are asked again a few times, always with
the same `Idempotency-Key`, so that a server that knows the header never bills a question twice.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2
import openai
import orjson
from openai import AsyncOpenAI, DefaultAioHttpClient
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from goldspan.annotation.errors import GoldspanError, TerminalServiceError
from goldspan.generators.providers.adaptation import Adaptation

_TRIES_AGAIN = 3
"""After a dropped connection or 5xx: after the server's Retry-After, else at once, then with exponential backoff."""
_BACKOFF = wait_random_exponential(multiplier=0.5, max=8)
_LONGEST_PAUSE = 120.0
_TIMEOUT = 600.0
_CONNECT_TIMEOUT = 10.0
_NO_BALANCE = ("insufficient_quota", "billing", "balance")
_SHOWN = 200


class Reply(NamedTuple):
    """The bytes of a `chat.completion` as received, and the same read."""

    raw: bytes
    body: dict[str, Any]


class Throttled(GoldspanError):  # noqa: N818
    """429: retry later. `retry_after` is in seconds, None if the server does not give it."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("the server asks to slow down")
        self.retry_after = retry_after


class Unreachable(GoldspanError):  # noqa: N818
    """The connection failed or the server broke (5xx), also when asked again."""


class Rejected(GoldspanError):  # noqa: N818
    """The server will not answer this one request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ChatClient:
    """Asks one server for chat completions; belongs to the event loop that it is used in."""

    def __init__(self, base_url: str, api_key: str, connections: int) -> None:
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        timeout = httpx2.Timeout(_TIMEOUT, connect=_CONNECT_TIMEOUT, pool=None)
        self._url = base_url
        self._openai = AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=timeout,
            http_client=_make_http_client(base_url, limits, timeout),
        )
        self._adaptations: dict[str, Adaptation] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._openai.close()

    async def ask(self, body: Mapping[str, Any], key: str) -> Reply:
        """Ask once, adapted to what the server takes; `key` is the idempotency key.

        Raises:
            Throttled: 429.
            Unreachable: no answer, also after some tries.
            Rejected: the server will not answer this request.
            TerminalServiceError: the server will answer no request: wrong key, no balance, unknown model or address.

        """
        adaptation = self._adaptations.setdefault(str(body["model"]), Adaptation())
        while True:
            adapted = adaptation.adapt(body)
            try:
                reply = await self._ask_again(orjson.dumps(adapted), key)
            except Rejected as refusal:
                if adaptation.learn(refusal.status, str(refusal), adapted):
                    continue
                if refusal.status >= 500:
                    raise Unreachable(f"{self._url} answered {refusal.status}: {refusal}") from None
                raise
            adaptation.note_success()
            return reply

    async def _ask_again(self, content: bytes, key: str) -> Reply:
        try:
            return await self._post(content, key)
        except (Unreachable, _ServerBroke) as error:
            if not _TRIES_AGAIN:
                raise
            await asyncio.sleep(_find_pause(error) or 0.0)
        retrying = AsyncRetrying(
            stop=stop_after_attempt(_TRIES_AGAIN),
            wait=_wait_before_retry,
            retry=retry_if_exception_type((Unreachable, _ServerBroke)),
            reraise=True,
        )
        return await retrying(self._post, content, key)

    async def _post(self, content: bytes, key: str) -> Reply:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            response = await self._openai.post(
                "/chat/completions", cast_to=httpx2.Response, content=content, options={"headers": headers}
            )
            raw = response.content
            body = orjson.loads(raw)
        except openai.APIStatusError as error:
            raise read_status_error(error, self._url) from None
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            raise Unreachable(f"{self._url} does not answer ({error}).") from None
        except orjson.JSONDecodeError:
            raise _ServerBroke(502, "the answer is not JSON") from None
        if not isinstance(body, dict):
            raise _ServerBroke(502, "the answer is not a JSON object")
        return Reply(raw, body)


class _ServerBroke(Rejected):
    """5xx: retryable, after `retry_after` seconds if the server gives it."""

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(status, message)
        self.retry_after = retry_after


def _find_pause(error: BaseException | None) -> float | None:
    pause = getattr(error, "retry_after", None)
    return None if pause is None else min(float(pause), _LONGEST_PAUSE)


def _wait_before_retry(state: RetryCallState) -> float:
    pause = _find_pause(state.outcome.exception()) if state.outcome else None
    return float(_BACKOFF(state)) if pause is None else pause


def _make_http_client(base_url: str, limits: httpx2.Limits, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
    if importlib.util.find_spec("aiohttp"):
        return DefaultAioHttpClient(base_url=base_url, limits=limits, timeout=timeout)
    return httpx2.AsyncClient(base_url=base_url, limits=limits, timeout=timeout)


def read_status_error(error: openai.APIStatusError, url: str) -> GoldspanError:
    """Translate an HTTP error into one of ours."""
    status, message = error.status_code, str(error.message)
    if " - " not in message and (said := _read_detail(error.body)):
        message = f"{message} - {said}"
    message = message[:_SHOWN]
    if status == 429 and not any(word in str(error.body).lower() for word in _NO_BALANCE):
        return Throttled(read_retry_after(error.response.headers))
    if status in {402, 429}:
        return TerminalServiceError(f"{url} refuses: no balance ({message}). Top up, then resume.", status)
    if status in {401, 403}:
        return TerminalServiceError(f"{url} refuses the key ({status}). Check its variable and its rights.", status)
    if status == 404:
        return TerminalServiceError(
            f"{url} has no such model or address ({message}). Check --model, --api-url.", status
        )
    if status in {408, 409} or status >= 500:
        return _ServerBroke(status, message, read_retry_after(error.response.headers))
    return Rejected(status, message)


def _read_detail(body: object) -> str:
    """The server's message where the library does not look for it: `{"error": "…"}`, FastAPI's `detail`, plain text.

    The value that a `detail` quotes from the request is left out.
    """
    if isinstance(body, Mapping):
        body = body.get("detail") or body.get("error")
    if isinstance(body, list):
        entries = [entry for entry in body if isinstance(entry, Mapping)]
        return "; ".join(f"{'.'.join(map(str, entry.get('loc', ())))} {entry.get('msg', '')}" for entry in entries)
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `retry-after-ms` or `Retry-After` ask to wait (RFC 9110, 10.2.3)."""
    from email.utils import parsedate_to_datetime
    from time import time

    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) / unit)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time())
        except ValueError:
            continue
    return None
