"""What the client does beyond passing a request on."""

from __future__ import annotations

from typing import Any

import pytest

from goldspan.annotation.errors import TransientServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient


class Exports:
    """Answers the requests for snapshots; `statuses` are given one a request, the last one for ever."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.deleted: list[str] = []

    def ask(self, method: str, path: str, purpose: str, **options: Any) -> dict[str, Any]:
        if method == "DELETE":
            self.deleted.append(path)
            return {}
        return {"id": 5, "status": self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]}


def make_client(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> StudioClient:
    monkeypatch.setattr("time.sleep", lambda _: None)
    client = StudioClient.__new__(StudioClient)
    client.url = "http://127.0.0.1/"
    client._ask = client._ask_any = exports.ask  # type: ignore[method-assign, assignment]
    return client


def test_a_snapshot_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client(Exports("created", "in_progress", "completed"), monkeypatch)
    assert client.create_snapshot(1, annotated_only=True) == 5


@pytest.mark.parametrize("status", ["in_progress", "failed"])
def test_a_snapshot_that_never_completes_is_deleted(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exports = Exports(status)
    with pytest.raises(TransientServiceError, match="snapshot"):
        make_client(exports, monkeypatch).create_snapshot(1, annotated_only=True, limit=0.05)
    assert exports.deleted == ["api/projects/1/exports/5"]
