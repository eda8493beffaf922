"""One chat completion over the wire, errors translated to ours.

The request goes out over aiohttp itself: building it with the SDK costs more time than sending it.

429 is not retried here: the pool handles it. Dropped connections and 5xx are asked again a few times, always with
the same `Idempotency-Key`, so that a server that knows the header never bills a question twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2
import openai
import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from goldspan.annotation.answers import FRAMING, AnswerLimitError
from goldspan.annotation.errors import GoldspanError, TerminalServiceError
from goldspan.annotation.redaction import redact
from goldspan.generators.providers.adaptation import Adaptation, names_format
from goldspan.generators.providers.http import NOT_TAKEN
from goldspan.generators.providers.json_post import (
    JsonPoster,
    PostDamagedError,
    PostError,
    PostReply,
)
from goldspan.generators.providers.parsing import find_error, load_document, read_events
from goldspan.generators.providers.waiting import read_retry_after

_TRIES_AGAIN = 3
"""After a dropped connection or 5xx: after the server's Retry-After, else at once, then with exponential backoff."""
_BACKOFF = wait_random_exponential(multiplier=0.5, max=8)
_LONGEST_PAUSE = 120.0
_SHOWN = 200
_NO_BALANCE = ("insufficient_quota", "billing", "balance", "insufficient credits")
_MODERATED = ("moderation", "flagged", "content policy", "content_filter", "content filter", "safety")
"""Words of a 403 that is about one prompt and not about the key."""
_OVERLOADED = ("overload", "unavailable", "upstream", "server_error", "internal", "timeout", "timed out", "capacity")


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


class Unreadable(GoldspanError):  # noqa: N818
    """An answer that cannot be read. It may have been paid for, so it is not asked again here; `raw` is what came."""

    def __init__(self, message: str, raw: bytes) -> None:
        super().__init__(message)
        self.raw = raw


class Rejected(GoldspanError):  # noqa: N818
    """The server will not answer this one request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ChatClient:
    """Asks one server for chat completions; belongs to the event loop that it is used in."""

    def __init__(self, base_url: str, api_key: str, connections: int) -> None:
        self._url, self._key = base_url, api_key
        headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._http = JsonPoster(f"{base_url}/chat/completions", headers, connections)
        self._adaptations: dict[str, Adaptation] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def ask(self, body: Mapping[str, Any], key: str) -> Reply:
        """Ask once, adapted to what the server takes; `key` is the idempotency key.

        Raises:
            Throttled: 429.
            Unreachable: no answer, also after some tries.
            Unreadable: an answer that is no JSON.
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
        try:
            reply = await self._http.post(content, {"Idempotency-Key": key})
        except AnswerLimitError as error:
            raise TerminalServiceError(f"{self._url} gives no usable answer: {error}.") from None
        except PostDamagedError as error:
            raise Unreadable(f"{self._url} answered with a body that cannot be read ({error})", b"") from None
        except PostError as error:
            raise Unreachable(f"{self._url} does not answer ({redact(str(error), [self._key])}).") from None
        if reply.status >= 300:
            raise read_status_error(self._make_error(reply), self._url, self._key)
        raw = reply.body
        body = load_document(raw)
        if body is None:
            body = read_events(raw)
            if body is None:
                raise Unreadable(f"{self._url} answered with status 200 and no JSON", raw)
            raw = orjson.dumps(body)
        if not isinstance(body, dict):
            raise Unreadable(f"{self._url} answered with status 200 and no JSON object", raw)
        if problem := find_error(body):
            raise read_error_body(*problem, self._url, self._key)
        return Reply(raw, body)

    def _make_error(self, reply: PostReply) -> openai.APIStatusError:
        """The SDK's error for an answer that is no success: its message holds the body."""
        headers = {name: value for name, value in reply.headers.items() if name not in FRAMING}
        request = httpx2.Request("POST", f"{self._url}/chat/completions")
        response = httpx2.Response(reply.status, headers=headers, content=reply.body, request=request)
        body = load_document(reply.body)
        if body is None:
            message = response.text or f"Error code: {reply.status}"
            return openai.APIStatusError(message, response=response, body=None)
        inner = body.get("error", body) if isinstance(body, dict) else body
        return openai.APIStatusError(f"Error code: {reply.status} - {body}", response=response, body=inner)


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


def read_status_error(error: openai.APIStatusError, url: str, key: str = "") -> GoldspanError:
    """Translate an HTTP error into one of ours; the key is blotted out, since some servers repeat it."""
    status, message = error.status_code, str(error.message)
    if " - " not in message and (said := _read_detail(error.body)):
        message = f"{message} - {said}"
    message = redact(message, [key], _SHOWN)
    if 300 <= status < 400:
        target = redact(str(error.response.headers.get("location", "elsewhere")), [key], _SHOWN)
        return TerminalServiceError(
            f"{url} redirects to {target}. Redirects are not followed; give that address with --api-url if it is "
            "right.",
            status,
        )
    retry_after = read_retry_after(error.response.headers)
    has_no_balance = any(word in f"{error.body} {message}".lower() for word in _NO_BALANCE)
    return _name_error(status, message, url, retry_after, has_no_balance=has_no_balance)


def read_error_body(code: str, message: str, url: str, key: str = "") -> GoldspanError:
    """Translate an error that a server sent with status 200."""
    said = f"{code} {message}".lower()
    message = redact(f"{message} ({code}, sent with status 200)", [key], _SHOWN)
    status = int(code) if code.isdigit() and 400 <= int(code) < 600 else 0
    if not status:
        status = (
            429 if "rate" in said and "limit" in said else 502 if any(word in said for word in _OVERLOADED) else 400
        )
    has_no_balance = any(word in said for word in _NO_BALANCE)
    return _name_error(402 if has_no_balance else status, message, url, None, has_no_balance=has_no_balance)


def _name_error(
    status: int, message: str, url: str, retry_after: float | None, *, has_no_balance: bool
) -> GoldspanError:
    if status == 429 and not has_no_balance:
        return Throttled(retry_after)
    if status in {402, 429}:
        return TerminalServiceError(f"{url} refuses: no balance ({message}). Top up, then resume.", status)
    if status == 403 and any(word in message.lower() for word in _MODERATED):
        return Rejected(status, message)
    if status in {401, 403}:
        return TerminalServiceError(f"{url} refuses the key ({status}). Check its variable and its rights.", status)
    if status == 404 and not names_format(message):
        return TerminalServiceError(
            f"{url}/chat/completions has no such model or address ({message}). Check --model, --api-url.", status
        )
    if status in {408, 409, 499} | NOT_TAKEN or status >= 500:
        return _ServerBroke(status, message, retry_after)
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
