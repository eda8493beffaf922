"""HTTP transport to Label Studio: POSTs are never retried, failures become our errors.

The SDK supplies the HTTP client and both kinds of token: personal access tokens are exchanged and refreshed, legacy
tokens are sent as they are. Responses are read as plain JSON: the SDK's typed models cost several milliseconds per
task and drop unknown fields. Label Studio's development server answers faster without keep-alive.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

import orjson

from goldspan.annotation.answers import AnswerLimitError, iter_limited, limit_wait, read_limited
from goldspan.annotation.errors import ConfigurationError, ServiceError, TerminalServiceError, TransientServiceError
from goldspan.annotation.labelstudio.api.responses import explain_body, explain_refusal
from goldspan.annotation.origins import choose_trust, read_origin
from goldspan.annotation.redaction import redact

if TYPE_CHECKING:
    from httpx import Response
    from label_studio_sdk.base_client import LabelStudioBase

Json = dict[str, Any]

LATE_COMMIT = 60.0
"""Seconds to wait for the outcome of a request that timed out: SQLite commits once its lock is free."""

_MAX_ANSWER = 512 * 1024 * 1024
"""Bytes of an answer after decompression; downloads go to a file and have no limit."""

READ_ATTEMPTS = 4
"""Attempts of an idempotent request (GET, PATCH, DELETE)."""


class Transport:
    """Requests to one Label Studio as one user; `timeout` is in seconds and holds for each single request.

    Redirects are errors, and no proxy is used for this machine. A request answered with 401 had no effect, so the token
    is exchanged again and the request is sent once more.

    Raises:
        ConfigurationError: the token is not accepted, or the address is not a Label Studio.
        TransientServiceError: no answer, a dropped connection, or a 5xx; after a POST it may have been done.
        TerminalServiceError: refused for good; `status` tells 404 (not there) from the rest.
    """

    def __init__(self, url: str, token: str, timeout: float) -> None:
        read_origin(url)
        if not token:
            raise ConfigurationError("Label Studio needs a token: give --token or set LABEL_STUDIO_API_KEY.")
        self.url = url.rstrip("/") + "/"
        self._token = token
        self._timeout = timeout
        self._sdk = self._connect()

    def ask(
        self,
        method: str,
        path: str,
        purpose: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
    ) -> Any:
        """Send and read JSON; idempotent requests are retried, POSTs never. `purpose` completes "could not"."""
        if body is not None:
            content = orjson.dumps(body)
        attempts = 1 if method == "POST" else READ_ATTEMPTS
        for attempt in range(attempts):
            try:
                response = self.send(method, path, purpose, params=params, content=content)
            except TransientServiceError:
                if attempt == attempts - 1:
                    raise
                time.sleep(0.5 * 2**attempt)
            else:
                return _read_json(response, self.url)
        raise AssertionError(f"unreachable: {method} {path}")

    def ask_object(self, method: str, path: str, purpose: str, **options: Any) -> Json:
        """As `ask`, for answers that are a JSON object."""
        reply = self.ask(method, path, purpose, **options)
        if not isinstance(reply, dict):
            raise ConfigurationError(f"The server at {self.url} is not Label Studio. Check the address.")
        return reply

    def send(
        self,
        method: str,
        path: str,
        purpose: str = "ask for its health",
        *,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send one request and return the response."""
        response = self._exchange(method, path, purpose, params, content, timeout)
        if response.status_code == 401:
            self._sdk = self._connect()
            response = self._exchange(method, path, purpose, params, content, timeout)
        if response.status_code >= 400:
            raise self._explain_status(response, purpose)
        return response

    def download(self, path: str, purpose: str, target: IO[bytes], params: Mapping[str, Any]) -> None:
        """Stream a response body into a file."""
        import httpx

        try:
            with self._sdk._client_wrapper.httpx_client.stream(path, method="GET", params=dict(params)) as response:
                if response.status_code >= 400:
                    response.read()
                    raise self._explain_status(response, purpose)
                for chunk in iter_limited(response):
                    target.write(chunk)
        except AnswerLimitError as error:
            raise self._explain_limit(error, response, purpose) from None
        except httpx.HTTPError as error:
            raise TransientServiceError(
                f"The connection to Label Studio at {self.url} broke while asked to {purpose} ({type(error).__name__})."
            ) from None

    def _connect(self) -> LabelStudioBase:
        import httpx
        from label_studio_sdk.base_client import LabelStudioBase
        from label_studio_sdk.core.api_error import ApiError

        read = self._read

        class Session(httpx.Client):
            """Bounds what the SDK reads by itself (a token's exchange) as well."""

            def send(self, request: httpx.Request, *, stream: bool = False, **settings: Any) -> httpx.Response:
                with limit_wait(request):
                    response = super().send(request, stream=True, **settings)
                if stream:
                    return response
                try:
                    return read(response, "sign in")
                finally:
                    response.close()

        hooks = {"response": [self._refuse_redirect]}
        session = Session(
            timeout=self._timeout,
            follow_redirects=False,
            **choose_trust(self.url),
            event_hooks=hooks,
        )
        try:
            return LabelStudioBase(
                base_url=self.url,
                api_key=self._token,
                timeout=self._timeout,
                max_retries=0,
                headers={"Connection": "close"},
                httpx_client=session,
            )
        except ApiError as error:
            raise explain_refusal(401, explain_body(error.body), self.url, "sign in") from None

    def _refuse_redirect(self, response: Response) -> None:
        """A redirect would take the token, or a text, to an address that nobody named."""
        if response.is_redirect:
            target = str(response.headers.get("Location", ""))
            raise ConfigurationError(
                f"Label Studio at {self.url} sends requests on to {redact(target) or 'another address'}. Nothing was "
                "sent there; if that is your Label Studio, give its address with --url."
            )

    def _read(self, response: Response, purpose: str) -> Response:
        """The response with its body, within the limits of size and time."""
        try:
            return read_limited(response, _MAX_ANSWER)
        except AnswerLimitError as error:
            raise self._explain_limit(error, response, purpose) from None

    def _explain_status(self, response: Response, purpose: str) -> ServiceError | ConfigurationError:
        reason = redact(explain_body(response.text), (self._token,))
        return explain_refusal(response.status_code, reason, self.url, purpose)

    def _explain_limit(self, error: AnswerLimitError, response: Response, purpose: str) -> ServiceError:
        message = f"Label Studio at {self.url} gives no usable answer when asked to {purpose}: {error}."
        return TransientServiceError(message) if error.is_late else TerminalServiceError(message, response.status_code)

    def _exchange(
        self,
        method: str,
        path: str,
        purpose: str,
        params: Mapping[str, Any] | None,
        content: bytes | None,
        timeout: float | None,
    ) -> Response:
        import httpx
        from label_studio_sdk.core.api_error import ApiError

        try:
            with self._sdk._client_wrapper.httpx_client.stream(
                path,
                method=method,
                params=dict(params) if params else None,
                content=content,
                headers={"Content-Type": "application/json"} if content is not None else None,
                request_options={"timeout": timeout} if timeout else None,
            ) as response:
                return self._read(response, purpose)
        except httpx.TimeoutException:
            raise TransientServiceError(
                f"Label Studio at {self.url} took too long to {purpose}. It may still be at work; look again later.",
                retry_after=LATE_COMMIT,
            ) from None
        except httpx.ConnectError:
            raise TransientServiceError(
                f"Label Studio does not answer at {self.url}. Start it with `goldspan studio up`, or check the address."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransientServiceError(
                f"The connection to Label Studio at {self.url} broke while asked to {purpose} ({type(error).__name__})."
            ) from None
        except ApiError as error:
            status = error.status_code or 401
            raise explain_refusal(status, explain_body(error.body), self.url, purpose) from None
        except (ValueError, KeyError):
            raise ConfigurationError(f"The server at {self.url} is not Label Studio. Check the address.") from None


def _read_json(response: Response, url: str) -> Any:
    if not response.content:
        return None
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        raise ConfigurationError(f"The server at {url} is not Label Studio. Check the address.") from None
