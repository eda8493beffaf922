"""Translate error responses of Label Studio into our errors."""

from __future__ import annotations

from typing import Any

import orjson

from goldspan.annotation.errors import ConfigurationError, ServiceError, TerminalServiceError, TransientServiceError

_SHOWN = 400
TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


def explain_body(body: Any) -> str:
    """The reasons in an error body, truncated; empty for HTML pages."""
    if isinstance(body, str):
        try:
            body = orjson.loads(body)
        except orjson.JSONDecodeError:
            return "" if "<" in body else body[:_SHOWN]
    reasons: list[str] = []
    _collect_reasons(body, reasons)
    return "; ".join(dict.fromkeys(reasons))[:_SHOWN]


def explain_refusal(status: int, reason: str, url: str, purpose: str) -> ServiceError | ConfigurationError:
    """The error to raise for a status of 400 or above."""
    said = f" It says: {reason}" if reason else ""
    if status == 401:
        return ConfigurationError(
            f"Label Studio at {url} does not accept the token.{said} Make a new one in Label Studio under Account & "
            f"Settings (or run `goldspan studio up` again) and give it as LABEL_STUDIO_API_KEY or --token."
        )
    if status == 403:
        return ConfigurationError(f"The user of this token may not {purpose} at {url}.{said} Use another user's token.")
    if status == 404:
        return TerminalServiceError(
            f"Label Studio at {url} could not {purpose}: not found. "
            f"Check the number, or leave it out to find the project by its title.",
            status,
        )
    if status in TRANSIENT:
        return TransientServiceError(f"Label Studio at {url} failed to {purpose} (status {status}).{said}")
    return TerminalServiceError(f"Label Studio at {url} refused to {purpose} (status {status}).{said}", status)


def _collect_reasons(body: Any, reasons: list[str]) -> None:
    if isinstance(body, str):
        reasons.append(body)
    elif isinstance(body, list):
        for item in body:
            _collect_reasons(item, reasons)
    elif isinstance(body, dict):
        known = [key for key in ("validation_errors", "detail", "non_field_errors") if body.get(key)]
        for key in known[:1] or [key for key in body if key not in {"id", "status_code", "version", "exc_info"}]:
            _collect_reasons(body[key], reasons)
