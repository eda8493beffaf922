from __future__ import annotations

import json
from pathlib import Path

from goldspan.predictors.model import directory as layout
from goldspan.predictors.model.contracts import check_contracts


def check(path: Path) -> dict[str, tuple[str, ...]]:
    return {one.contract: one.reasons for one in check_contracts(path)}


def test_a_trained_model_keeps_every_contract(trained: Path) -> None:
    assert check(trained) == dict.fromkeys(("signature", "goldspan", "kiji", "transformers", "browser"), ())


def test_why_a_contract_does_not_hold(model: Path) -> None:
    served = model / "quantized"
    document = json.loads((served / layout.TOKENIZER).read_text())
    document["truncation"] = {"direction": "Right", "max_length": 128, "strategy": "LongestFirst", "stride": 0}
    (served / layout.TOKENIZER).write_text(json.dumps(document))
    (served / layout.TRANSITIONS).unlink()
    reasons = check(model)
    assert "signature" in reasons["signature"][0]
    assert "missing" in reasons["goldspan"][0]
    assert any("truncation" in reason or "crf_transitions" in reason for reason in reasons["kiji"])
    assert reasons["transformers"] == ()


def test_a_changed_file_of_the_trained_model_is_named(model: Path) -> None:
    (model / "trained" / "config.json").write_text("{}")
    reasons = check(model)
    assert any("trained/config.json" in reason for reason in reasons["goldspan"])
    assert reasons["transformers"]


def test_a_second_graph_would_shadow_ours_in_kiji(model: Path) -> None:
    (model / "quantized" / "model.onnx").write_bytes(b"x")
    assert any("model.onnx" in reason for reason in check(model)["kiji"])
