from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.serving.api.simple import translate_labels


def test_predict_answers_in_the_form_that_pages_and_scripts_know(client: TestClient) -> None:
    body = {"text": "Ann wrote. Ann left for Berlin.", "method": "bert", "model": "base", "pii_entities": []}
    answer = client.post("/predict", json=body).json()
    assert answer["masked_text"] == "[FIRSTNAME_1] wrote. [FIRSTNAME_1] left for [CITY_1]."
    assert answer["entities"] == {"FIRSTNAME": ["Ann"], "CITY": ["Berlin"]}
    assert (answer["method_used"], answer["num_entities"], answer["selected_entities"]) == ("bert", 2, [])
    assert answer["processing_time"] >= 0


def test_selected_entities_may_have_the_names_of_another_label_set(client: TestClient) -> None:
    body = {"text": "Ann Smith in Berlin", "method": "bert", "pii_entities": ["LASTNAME", "IPV4"]}
    assert client.post("/predict", json=body).json()["masked_text"] == "Ann [SURNAME_1] in Berlin"


@pytest.mark.parametrize(
    "body", [{}, {"text": ""}, {"text": "x", "method": "gpt"}, {"text": "x", "method": {}},
             {"text": "x", "pii_entities": "EMAIL"}, {"text": "x", "pii_entities": ["IPV4"]},
             {"text": "x", "pii_entities": [1]}]
)  # fmt: skip
def test_wrong_requests_are_refused(client: TestClient, body: dict[str, object]) -> None:
    assert client.post("/predict", json=body).status_code == 422


def test_a_long_text_is_refused_and_not_cut(client: TestClient) -> None:
    assert client.post("/predict", json={"text": "x" * 5001, "method": "bert"}).status_code == 413


def test_info_and_health_have_the_form_that_scripts_know(client: TestClient) -> None:
    info = client.get("/api/info").json()
    assert {"name", "version", "description", "available_methods", "available_models", "endpoints"} <= info.keys()
    assert {"mistral", "bert", "lexicon"} == set(info["available_methods"])
    assert info["available_models"]["base"]["name"] == "lexicon-1"
    health = client.get("/health").json()
    assert health["status"] == "healthy"
    assert health["services"] == {"lexicon": {"available": True, "initialized": True, "model": "lexicon"}}
    assert isinstance(health["timestamp"], float)


def test_the_fields_of_a_pdf_upload_count_as_form_and_as_query(client: TestClient) -> None:
    pytest.importorskip("pikepdf")
    from tests.serving.documents.pdf.drawing import make_pdf, write

    upload = {"file": ("a.pdf", make_pdf(write("Ann Smith of Berlin")))}
    fields = {"method": "bert", "model": "base", "pii_entities": '["LASTNAME"]'}
    answer = client.post("/predict-pdf", files=upload, data=fields).json()
    assert answer["masked_text"] == "Ann [SURNAME_1] of Berlin"
    assert (answer["method_used"], answer["selected_entities"]) == ("pdf-bert", ["LASTNAME"])
    assert client.post("/predict-pdf", files=upload, params=fields).json()["masked_text"] == answer["masked_text"]
    assert client.post("/predict-pdf", files={"file": ("a.pdf", b"x")}, data=fields).status_code == 422
    assert client.post("/predict-pdf", files=upload, data={"pii_entities": "EMAIL"}).status_code == 422
    assert client.post("/predict-pdf", data=fields).status_code == 422


def test_labels_without_any_counterpart_are_an_error(labels: LabelSchema) -> None:
    assert translate_labels([], labels) == []
    assert translate_labels(["EMAIL", "DOB"], labels) == ["DATEOFBIRTH", "EMAIL"]
    with pytest.raises(InputError):
        translate_labels(["NOTHING"], labels)
