from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from goldspan.annotation.labels.schema import load_labels
from goldspan.masking.keys import parse_key
from goldspan.serving.limits import Limits
from goldspan.serving.state import ServerSettings
from tests.masking.lexicon import VALUES
from tests.serving.conftest import Serve

TEXT = "Ann Smith met Bob in Berlin: bob@mail.com."


def test_mask_one_text(client: TestClient) -> None:
    answer = client.post("/v1/mask", json={"text": TEXT}).json()
    assert answer["masked_text"] == "[FIRSTNAME_1] [SURNAME_1] met [FIRSTNAME_2] in [CITY_1]: [EMAIL_2]."
    assert answer["complete"] is True
    assert answer["counts"] == {"CITY": 1, "EMAIL": 1, "FIRSTNAME": 2, "SURNAME": 1}
    for one in answer["entities"]:
        assert answer["masked_text"][one["masked_start"] : one["masked_end"]] == one["replacement"]
    assert "Ann" not in str(answer)


def test_originals_and_mapping_come_only_when_asked_for(client: TestClient) -> None:
    answer = client.post("/v1/mask", json={"text": TEXT, "include_originals": True, "include_mapping": True}).json()
    assert answer["entities"][0]["original"] == "Ann"
    restored = client.post("/v1/restore", json={"text": answer["masked_text"], "mapping": answer["mapping"]}).json()
    assert restored == {"text": TEXT, "restored": 5, "unknown": []}
    unknown = client.post("/v1/restore", json={"text": "[CITY_9]", "mapping": {}}).json()
    assert unknown["unknown"] == ["[CITY_9]"]


def test_several_texts_and_offsets_in_code_points(client: TestClient) -> None:
    answer = client.post("/v1/mask", json={"texts": ["👩‍💻 Ann", "no one", ""]}).json()
    assert [one["masked_text"] for one in answer["results"]] == ["👩‍💻 [FIRSTNAME_1]", "no one", ""]
    assert answer["results"][0]["entities"][0]["start"] == 4
    assert answer["complete"] is True


def test_labels_operators_policy_and_threshold(client: TestClient) -> None:
    def mask(**fields: Any) -> str:
        return str(client.post("/v1/mask", json={"text": "Ann in Berlin", **fields}).json()["masked_text"])

    assert mask(labels=["CITY"]) == "Ann in [CITY_1]"
    assert mask(labels=[]) == "Ann in Berlin"
    assert mask(operators={"CITY": "replace"}) == "[FIRSTNAME_1] in [CITY]"
    assert mask(policy="redact") == "[REDACTED] in [REDACTED]"
    assert mask(policy={"version": 1, "name": "x", "default": {"operator": "mask"}}) == "*** in ******"
    assert mask(threshold=0.95) == "Ann in Berlin"


def test_reviewed_entities_take_the_place_of_the_methods(client: TestClient) -> None:
    entities = [{"start": 14, "end": 17, "label": "FIRSTNAME"}]
    answer = client.post(
        "/v1/mask", json={"text": "Ann met UNAVAILABLE Ann"[:14] + "Bob and Ann", "entities": entities}
    )
    assert answer.json()["masked_text"] == "Ann met UNAVAI[FIRSTNAME_1] and Ann"
    assert answer.json()["model_version"] == "reviewed"


def test_detect_gives_every_entity_whatever_the_policy_keeps(client: TestClient) -> None:
    answer = client.post("/v1/detect", json={"text": TEXT, "policy": "pci"}).json()
    assert [one["label"] for one in answer["entities"]] == ["FIRSTNAME", "SURNAME", "FIRSTNAME", "CITY", "EMAIL"]
    assert answer["entities"][0]["referent"] == answer["entities"][1]["referent"] == 1
    assert "Ann" not in str(answer)


@pytest.mark.parametrize(("word", "status"), [("UNAVAILABLE", 503), ("CRASH", 502), ("OUTSIDE", 422)])
@pytest.mark.parametrize("path", ["/v1/mask", "/v1/detect", "/predict"])
def test_a_method_that_fails_gives_no_text(client: TestClient, word: str, status: int, path: str) -> None:
    answer = client.post(
        path, json={"text": f"{word} of Ann Smith", **({"method": "bert"} if path == "/predict" else {})}
    )
    assert answer.status_code == status
    assert answer.json()["complete"] is False
    assert "Ann" not in answer.text
    assert "masked_text" not in answer.text


def test_one_text_that_fails_fails_the_request(client: TestClient) -> None:
    answer = client.post("/v1/mask", json={"texts": ["Ann", "CRASH", "Bob"]})
    assert answer.status_code == 502
    assert "results" not in answer.json()


@pytest.mark.parametrize(
    "body",
    [
        {}, {"text": 1}, {"text": "a", "texts": ["b"]}, {"texts": "a"}, {"text": "a", "extra": 1},
        {"text": "a", "threshold": 2}, {"texts": ["a"] * 257}, {"texts": ["a"], "entities": []},
        {"text": "a", "policy": "nope"}, {"text": "a", "policy": "/etc/x.toml"}, {"text": "a", "method": "nope"},
        {"text": "a", "operators": {"CITY": "erase"}},
        {"text": "a", "entities": [{"start": 0, "end": 9, "label": "CITY"}]},
        {"text": "a", "policy": {"version": 1}}, {"text": "a", "language": "english"},
        {"text": "a", "policy": "surrogates", "operators": {"CITY": "hash"}},
    ],
)  # fmt: skip
def test_wrong_requests_are_refused_with_the_reason(client: TestClient, body: dict[str, Any]) -> None:
    answer = client.post("/v1/mask", json=body)
    if "hash" in str(body):
        assert answer.status_code == 422
        assert "GOLDSPAN_MASKING_KEY" in answer.json()["error"]["message"]
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ({"txt": TEXT}, "Did you mean text"),
        ({"text": TEXT, "methd": "regex"}, "Did you mean method"),
        ({"text": TEXT, "texts": [TEXT]}, "either the key text or the key texts"),
        ({"text": TEXT, "policy": "redacted"}, "Did you mean redact"),
        ({"text": TEXT, "policy": "/etc/secret.toml"}, "policy itself as JSON"),
    ],
)
def test_a_wrong_request_is_told_what_would_be_right(client: TestClient, body: dict[str, Any], advice: str) -> None:
    answer = client.post("/v1/mask", json=body)
    assert answer.status_code == 422
    assert advice in answer.json()["detail"]
    assert TEXT not in answer.text


def test_a_text_of_the_wrong_form_is_not_quoted(client: TestClient) -> None:
    assert "Smith" not in client.post("/v1/mask", json={"text": ["Ann Smith"]}).text
    assert "Smith" not in client.post("/v1/mask", json={"text": {"a": "Ann Smith"}}).text
    assert "Smith" not in client.post("/v1/mask", content=b'{"text": "Ann Smith" x}').text


def test_a_server_with_a_key_encrypts_and_restores(serve: Serve) -> None:
    client = serve(ServerSettings(key=parse_key("ab" * 32)))
    masked = client.post("/v1/mask", json={"text": "Ann", "operators": {"FIRSTNAME": "encrypt"}}).json()["masked_text"]
    assert client.post("/v1/restore", json={"text": masked}).json()["text"] == "Ann"


def test_limits_name_their_numbers(serve: Serve) -> None:
    client = serve(ServerSettings(limits=Limits(characters=10, body_bytes=100)))
    answer = client.post("/v1/mask", json={"texts": ["123456", "78901"]})
    assert answer.status_code == 413
    assert "11" in answer.json()["error"]["message"]
    assert "10" in answer.json()["error"]["message"]
    assert client.post("/v1/mask", content=b"x" * 101).status_code == 413
    assert client.post("/v1/mask", content=iter([b"x" * 60, b"x" * 60])).status_code == 413


def test_a_request_that_takes_too_long_is_given_up(serve: Serve) -> None:
    client = serve(ServerSettings(limits=Limits(seconds=0.1)))
    answer = client.post("/v1/mask", json={"text": "SLOW Ann"})
    assert answer.status_code == 503
    assert "longer" in answer.json()["error"]["message"]


def test_no_text_stands_in_the_log(client: TestClient, log_records: list[logging.LogRecord]) -> None:
    for text in (TEXT, "CRASH Ann Smith", "UNAVAILABLE Ann Smith"):
        client.post("/v1/mask?note=Smith", json={"text": text})
    assert "goldspan.serve" in {record.name for record in log_records}
    ours = "\n".join(record.getMessage() for record in log_records if record.name.startswith("goldspan"))
    assert "/v1/mask 200" in ours
    assert "Smith" not in ours


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 10**9)
    | st.text(max_size=12)
    | st.sampled_from([*VALUES, "CITY", "number"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["text", "texts", "method", "policy", "labels", "operators", "threshold", "language", "country", "entities"]
texts = st.lists(st.sampled_from([*VALUES, " ", "\n", ", ", "é", "👩‍💻", "[FIRSTNAME_1]", "x"]), max_size=12).map(
    "".join
)


@given(
    st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4)
    | st.fixed_dictionaries({"text": texts | json_values})
)
def test_random_requests_are_answered_or_refused_and_never_half_masked(fuzzed: TestClient, body: Any) -> None:
    answer = fuzzed.post("/v1/mask", json=body)
    assert answer.status_code in (200, 413, 422)
    assert answer.json()["complete"] is (answer.status_code == 200)


@given(texts)
def test_no_value_of_the_lexicon_is_left_in_an_answer(fuzzed: TestClient, text: str) -> None:
    from goldspan.annotation.text.words import find_occurrences

    answer = fuzzed.post("/v1/mask", json={"text": text}).json()
    assert answer["complete"] is True
    for value in VALUES:
        if len(value) >= 3:
            assert not list(find_occurrences(answer["masked_text"], value))


@pytest.fixture(scope="module")
def fuzzed() -> Any:
    from goldspan.serving.app import build_app
    from goldspan.serving.host import PredictorHost
    from goldspan.serving.state import ServerState
    from tests.serving.conftest import Sources

    host = PredictorHost(load_labels(), {"lexicon": "lexicon"}, opener=Sources().open)
    with TestClient(build_app(ServerState(host, ServerSettings())), base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("fields", [{"labels": ["EMIAL"]}, {"operators": {"EMIAL": "redact"}}])
def test_a_label_that_there_is_not_is_refused(client: TestClient, fields: dict[str, Any]) -> None:
    answer = client.post("/v1/mask", json={"text": "Ann in Berlin", **fields})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "Unknown label 'EMIAL'. Did you mean EMAIL?"
    assert answer.json()["complete"] is False
