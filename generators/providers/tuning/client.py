"""HTTP calls to a fine-tuning API: JSON in and out, every failure as one of our errors, nothing repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from goldspan.annotation.answers import AnswerLimitError, AnswerMeter, compute_patience, limit_wait
from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.annotation.origins import choose_trust
from goldspan.annotation.redaction import redact
from goldspan.generators.providers.parsing import load_document
from goldspan.generators.providers.tuning.documents import read_message
from goldspan.generators.providers.tuning.values import RowsUpload
from goldspan.generators.providers.waiting import read_retry_after

if TYPE_CHECKING:
    import httpx2

_TIMEOUT, _CONNECT_TIMEOUT = 120.0, 10.0
_UPLOAD_TIMEOUT = 1800.0
_MAX_ANSWER = 64 * 1024 * 1024
_TRANSIENT = frozenset({408, 409, 425, 429, 499})
_AMBIGUOUS = frozenset({408, 409, 499})
_HINTS = {
    401: " Check the API key.",
    402: " Add credit, then resume: nothing is lost.",
    403: " Check that the key may use fine-tuning.",
}


class _Reply(NamedTuple):
    """An answer; `document` is None when it is no JSON."""

    status: int
    headers: Mapping[str, str]
    document: Any


class TuningClient:
    """The HTTP side of one provider; `address` is its base URL. Redirects are errors: they would resend the key."""

    def __init__(self, address: str, api_key: str, transport: httpx2.BaseTransport | None = None) -> None:
        import httpx2

        class Client(httpx2.Client):
            """Every request has a connection of its own, so that one that is too slow can be ended."""

            def send(self, request: httpx2.Request, **settings: Any) -> httpx2.Response:
                with limit_wait(request):
                    return super().send(request, **settings)

        self.address, self._key = address, api_key
        self._http = Client(
            base_url=address,
            limits=httpx2.Limits(max_keepalive_connections=0),
            timeout=httpx2.Timeout(_TIMEOUT, connect=_CONNECT_TIMEOUT),
            follow_redirects=False,
            **choose_trust(address),
            transport=transport,
            headers={"Authorization": f"Bearer {api_key}", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, doing: str, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON document at a path.

        Raises:
            TransientServiceError: unreachable, overloaded, or an answer that is no JSON.
            TerminalServiceError: refused.
        """
        return self._send("GET", path, doing, params=dict(query or {}))

    def post(self, path: str, doing: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a request. Raises as `get`."""
        return self._send("POST", path, doing, json=dict(body or {}))

    def post_once(self, path: str, doing: str, body: Mapping[str, Any], key: str) -> Any | None:
        """The JSON answer to a request that costs money; None when it is unknown whether it was carried out.

        `key` is sent as `Idempotency-Key`, for providers that know it.

        Raises:
            TransientServiceError: it was certainly not carried out; it may be sent again.
            TerminalServiceError: it was refused.
        """
        import httpx2

        try:
            reply = self._exchange("POST", path, json=dict(body), headers={"Idempotency-Key": key})
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise self._explain_unreachable(error, doing) from None
        except (httpx2.HTTPError, AnswerLimitError):
            return None
        if reply.status >= 500 or reply.status in _AMBIGUOUS:
            return None
        if reply.status >= 300:
            raise self._explain(reply, doing)
        return reply.document

    def upload(self, path: str, doing: str, upload: RowsUpload, fields: Mapping[str, str]) -> Any:
        """The JSON answer to a file sent as a form, read while it is sent. Raises as `get`."""
        import httpx2

        with upload.path.open("rb") as stream:
            return self._send(
                "POST",
                path,
                doing,
                data=dict(fields),
                files={"file": (upload.name, stream, "application/jsonl")},
                timeout=httpx2.Timeout(_UPLOAD_TIMEOUT, connect=_CONNECT_TIMEOUT),
            )

    def _send(self, method: str, path: str, doing: str, **options: Any) -> Any:
        import httpx2

        try:
            reply = self._exchange(method, path, **options)
        except httpx2.HTTPError as error:
            raise self._explain_unreachable(error, doing) from None
        except AnswerLimitError as error:
            kind = TransientServiceError if error.is_late else TerminalServiceError
            raise kind(f"{self.address} gives no usable answer when asked to {doing}: {error}.") from None
        if reply.status >= 300:
            raise self._explain(reply, doing)
        if reply.document is None:
            raise TransientServiceError(
                f"{self.address} did not answer with JSON when asked to {doing}; check --api-url."
            )
        return reply.document

    def _exchange(self, method: str, path: str, **options: Any) -> _Reply:
        """Send a request and read the answer, which may not be larger or slower than its limits."""
        with self._http.stream(method, path, **options) as response:
            meter, raw = AnswerMeter(compute_patience(response.request), _MAX_ANSWER), bytearray()
            for chunk in response.iter_bytes():
                meter.add(len(chunk))
                raw += chunk
        return _Reply(response.status_code, response.headers, load_document(bytes(raw)))

    def _explain_unreachable(self, error: Exception, doing: str) -> TransientServiceError:
        reason = redact(str(error) or type(error).__name__, [self._key])
        return TransientServiceError(f"{self.address} could not be reached to {doing}: {reason.rstrip('.')}.")

    def _explain(self, reply: _Reply, doing: str) -> TransientServiceError | TerminalServiceError:
        status = reply.status
        if status < 400:
            target = redact(str(reply.headers.get("location", "elsewhere")), [self._key])
            return TerminalServiceError(
                f"{self.address} redirects to {target} when asked to {doing}. Redirects are not followed; give that "
                "address with --api-url if it is right.",
                status,
            )
        said = redact(read_message(reply.document), [self._key]) or "no reason given"
        message = f"{self.address} refused to {doing} (HTTP {status}): {said.rstrip('.')}."
        if status >= 500 or status in _TRANSIENT:
            return TransientServiceError(message, read_retry_after(reply.headers))
        return TerminalServiceError(message + _HINTS.get(status, ""), status)
