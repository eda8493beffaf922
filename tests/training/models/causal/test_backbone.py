from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from goldspan.annotation.errors import ConfigurationError, StateError, UnknownNameError  # noqa: E402
from goldspan.training.models.causal.backbone import Backbone, BackboneSettings, load_backbone  # noqa: E402
from goldspan.training.models.causal.base import find_base, require_same_base  # noqa: E402
from goldspan.training.models.device import Device, choose_device  # noqa: E402

CPU = Device("cpu", bf16=False)
SIZES = {
    "vocab_size": 100, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
GPT2 = {
    "vocab_size": 100,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
KINDS: dict[str, dict[str, Any]] = {
    "LlamaConfig": SIZES,
    "LlamaConfig eager": SIZES,
    "MistralConfig": SIZES | {"sliding_window": 4},
    "Qwen3Config": SIZES | {"head_dim": 16},
    "Gemma3TextConfig": SIZES | {"head_dim": 16, "sliding_window": 8},
    "GPTNeoXConfig": SIZES,
    "GPT2Config": GPT2,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
def test_a_token_sees_what_comes_after_it_only_without_the_causal_mask(kind: str, attention: str) -> None:
    torch.manual_seed(0)
    name, _, implementation = kind.partition(" ")
    model = transformers.AutoModel.from_config(getattr(transformers, name)(**KINDS[kind])).eval()
    model.set_attn_implementation(implementation or "sdpa")
    backbone = Backbone(model, attention)
    ids = torch.randint(3, 100, (2, 12))
    mask = torch.ones_like(ids)
    mask[1, 8:] = 0
    later, padding = ids.clone(), ids.clone()
    later[0, 11] = (later[0, 11] - 3 + 1) % 97 + 3
    padding[1, 9] = (padding[1, 9] - 3 + 1) % 97 + 3
    with torch.no_grad():
        one, other, padded = (backbone(given, mask) for given in (ids, later, padding))
    assert one.shape == (2, 12, 32)
    assert torch.equal(one[0, 0], other[0, 0]) == (attention == "causal")
    assert torch.equal(one[1, :8], padded[1, :8])


def test_a_base_is_refused_that_cannot_be_used(causal_base: Path, tmp_path: Path) -> None:
    base = find_base(str(causal_base))
    with pytest.raises(ConfigurationError, match="takes 2048 tokens at a time, window_tokens is 4096"):
        load_backbone(base, BackboneSettings(), CPU, 4096)
    with pytest.raises(ConfigurationError, match="4-bit weights need a CUDA device; this run uses cpu"):
        load_backbone(base, BackboneSettings(four_bit=True), CPU, 64)
    with pytest.raises(ConfigurationError, match="tiny is no causal language model"):
        find_base("tiny")
    with pytest.raises(UnknownNameError, match="smollm3"):
        find_base("smollm3")
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((causal_base / name).read_bytes())
    with pytest.raises(ConfigurationError, match="no weights in safetensors"):
        find_base(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ConfigurationError, match="cannot load the model"):
        load_backbone(find_base(str(tmp_path)), BackboneSettings(), CPU, 64)
    torch.save(transformers.AutoModel.from_pretrained(causal_base).state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").rename(tmp_path / "other.safetensors")
    with pytest.raises(ConfigurationError, match="cannot load the model"):
        load_backbone(find_base(str(tmp_path)), BackboneSettings(), CPU, 64)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="Merge it into its base"):
        find_base(str(tmp_path))


@pytest.mark.parametrize("given", [{"kind": "gpu"}, {"bf16": "yes"}])
def test_a_device_of_no_known_kind_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="one of auto, cpu, cuda, mps, and bf16 one of auto, true, false"):
        choose_device(**given)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "chat_template.jinja"])
def test_another_base_than_the_recorded_one_is_refused(causal_base: Path, tmp_path: Path, file: str) -> None:
    recorded = find_base(str(causal_base)).describe()
    assert require_same_base(recorded).folder == causal_base.resolve()
    shutil.copytree(causal_base, tmp_path, dirs_exist_ok=True)
    assert require_same_base(recorded, str(tmp_path)).fingerprint == recorded["fingerprint"]
    changed = tmp_path / file
    data = bytearray(changed.read_bytes())
    data[-1] ^= 1
    changed.write_bytes(bytes(data))
    with pytest.raises(StateError, match=r"is not the base that this model was trained on.*option base"):
        require_same_base(recorded, str(tmp_path))
