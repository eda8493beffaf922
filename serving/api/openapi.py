"""`/openapi.json`: every route with its JSON Schemas and examples."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import goldspan.schemas as schemas

_TEXT = "Dear Ann Smith, write to ann@mail.net."
_ENTITY = {"start": 25, "end": 37, "label": "EMAIL", "score": 0.99, "source": "model", "referent": 1}
_MASKED = {
    "masked_text": "Dear Ann Smith, write to [EMAIL_1].",
    "entities": [_ENTITY | {"masked_start": 25, "masked_end": 34, "operator": "number", "replacement": "[EMAIL_1]"}],
    "counts": {"EMAIL": 1},
    "referents": 1,
    "below_threshold": 0,
    "unread_labels": ["COUNTRY", "FIRSTNAME", "SURNAME"],
    "policy": "pseudonymise",
    "policy_fingerprint": "dbc4efabd6b7",
    "model_version": "regex-1",
    "complete": True,
    "milliseconds": 3.1,
}
_ERRORS = {
    "401": "The token is missing or wrong",
    "413": "The texts or the file are too large",
    "421": "The server does not answer to that host name",
    "422": "The request is wrong, or the text cannot be masked safely",
    "429": "Too many requests; Retry-After says when to ask again",
    "502": "The method failed; there is no text in the answer",
    "503": "The server is busy or the method is not available; Retry-After says when to ask again",
}


def describe_api() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    mask = _drop_head(schemas.load("mask-request"))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Goldspan",
            "version": version("goldspan"),
            "description": "Masks personal data. An answer with a masked text says `complete: true`; everything else "
            "is an error without a text. Offsets are half-open and count Unicode code points.",
        },
        "components": {
            "schemas": {
                "MaskRequest": mask,
                "RestoreRequest": _drop_head(schemas.load("restore-request")),
                "ReloadRequest": _drop_head(schemas.load("reload-request")),
                "Error": {
                    "type": "object",
                    "required": ["error", "complete"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                        },
                        "detail": {"type": "string"},
                        "complete": {"const": False},
                    },
                },
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "paths": {
            "/v1/mask": _post("Mask a text or a list of texts", "MaskRequest", {"text": _TEXT}, _MASKED),
            "/v1/detect": _post(
                "Find entities without masking",
                "MaskRequest",
                {"text": _TEXT},
                {"entities": [_ENTITY], "model_version": "regex-1", "complete": True},
            ),
            "/v1/restore": _post(
                "Put originals back",
                "RestoreRequest",
                {"text": "Ask [EMAIL_1].", "mapping": {"[EMAIL_1]": "ann@mail.net"}},
                {"text": "Ask ann@mail.net.", "restored": 1, "unknown": []},
            ),
            "/v1/tasks": _post(
                "Keep a corrected masking as a sample for review",
                "MaskRequest",
                {"text": _TEXT, "language": "en", "entities": [{"start": 25, "end": 37, "label": "EMAIL"}]},
                {"message": "Saved."},
            ),
            "/v1/files": {"post": _describe_upload()},
            "/v1/jobs/{id}": {"get": _answer("The state of a file", True), "delete": _answer("Remove a file", True)},
            "/v1/jobs/{id}/result": {"get": _answer("The masked file", True)},
            "/v1/labels": {"get": _answer("The labels of the label schema")},
            "/v1/methods": {"get": _answer("The methods, what they were measured to do, and the file formats")},
            "/v1/policy": {"get": _answer("The policies with their operator for each label")},
            "/v1/model": {"get": _answer("The model of each method: source, version, health")},
            "/v1/model/reload": _post(
                "Load, probe and exchange a model; the earlier one serves on if that fails",
                "ReloadRequest",
                {"source": "models/pii-2"},
                {"method": "pii", "source": "models/pii-2", "healthy": True, "error": "", "model_version": "pii-2"},
            ),
            "/v1/training": {"get": _answer("The training that the server was asked for")},
            "/health": {"get": _answer("Is the server alive")},
            "/ready": {"get": _answer("Do all methods serve")},
            "/metrics": {"get": _answer("Counters for Prometheus")},
        },
    }


def _post(summary: str, schema: str, request: Any, answer: Any) -> dict[str, Any]:
    return {
        "post": {
            "summary": summary,
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": request}
                },
            },
            "responses": {
                "200": {"description": "Done", "content": {"application/json": {"example": answer}}},
                **_describe_errors(),
            },
        }
    }


def _describe_upload() -> dict[str, Any]:
    return {
        "summary": "Upload a file to mask",
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "settings": {
                                "type": "string",
                                "description": "JSON: MaskRequest without its texts; `fields` for tables; `pdf`: keep, "
                                "raster or scan; `ocr`: off",
                            },
                        },
                    }
                }
            },
        },
        "responses": {"202": {"description": "Accepted; Location is the job"}, **_describe_errors()},
    }


def _answer(summary: str, by_id: bool = False) -> dict[str, Any]:
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "summary": summary,
        "responses": {"200": {"description": "Done"}, **_describe_errors()},
        **({"parameters": [parameter]} if by_id else {}),
    }


def _describe_errors() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {code: {"description": description, "content": content} for code, description in _ERRORS.items()}


def _drop_head(schema: Any) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
