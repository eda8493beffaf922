from __future__ import annotations

from goldspan.annotation.types import Sample
from tests.serving.conftest import Serve

ENTITY = {"start": 0, "end": 3, "label": "FIRSTNAME"}


def test_a_corrected_masking_becomes_a_sample(serve: Serve) -> None:
    kept: list[Sample] = []

    async def sink(sample: Sample) -> str:
        kept.append(sample)
        return "Saved."

    client = serve(sink=sink)
    answer = client.post("/v1/tasks", json={"text": "Ann left", "language": "en", "entities": [ENTITY]})
    assert answer.json() == {"message": "Saved."}
    [sample] = kept
    assert (sample.text, sample.language, sample.annotations[0].author.name) == ("Ann left", "en", "masking-page")
    wrong = [ENTITY, {"start": 2, "end": 6, "label": "CITY"}]
    assert client.post("/v1/tasks", json={"text": "Ann left", "entities": wrong}).status_code == 422
    assert client.post("/v1/tasks", json={"text": "Ann left"}).status_code == 422
    assert len(kept) == 1


def test_a_server_without_a_workspace_says_so(serve: Serve) -> None:
    assert serve().post("/v1/tasks", json={"text": "Ann", "entities": [ENTITY]}).status_code == 422
