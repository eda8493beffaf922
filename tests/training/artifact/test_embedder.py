"""An encoder as text embedder: written with torch, read with ONNX, and used to choose examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from goldspan.annotation.errors import ConfigurationError, GoldspanError, InputError  # noqa: E402
from goldspan.predictors.embedding import GRAPH, TextEmbedder  # noqa: E402
from goldspan.predictors.prompting.shots import ShotPool  # noqa: E402
from goldspan.training.artifact.embedder import write_embedder  # noqa: E402
from goldspan.training.models.encoders.catalogue import find_encoder  # noqa: E402
from goldspan.training.models.encoders.tiny import make_tokenizer  # noqa: E402
from tests.training.tiny_model import make_sample  # noqa: E402

SAMPLES = [make_sample(number) for number in range(12)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import BertConfig, BertModel

    root = tmp_path_factory.mktemp("encoder")
    (root / "tokenizer.json").write_bytes(make_tokenizer([sample.text for sample in SAMPLES]))
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=8_000, **sizes)).save_pretrained(root)
    return write_embedder(find_encoder(str(root)), root / "embedder")


def test_embeddings_have_length_one_and_tell_texts_apart(folder: Path) -> None:
    embedder = TextEmbedder(folder)
    vectors = embedder.embed([SAMPLES[0].text, SAMPLES[1].text, SAMPLES[0].text, ""])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-5)
    assert vectors[0] @ vectors[1] < 0.999


def test_a_long_text_is_read_whole(folder: Path) -> None:
    embedder = TextEmbedder(folder)
    start = " ".join(["Maria moved to Paris"] * 200)
    one, other = embedder.embed([start, start + " " + " ".join(["the report was sent"] * 200)])
    assert one @ other < 0.999


def test_the_nearest_example_comes_last(folder: Path) -> None:
    pool = ShotPool(SAMPLES, "embedding", embedder=TextEmbedder(folder))
    text = SAMPLES[5].text + " "
    chosen = pool.choose(text, "en", 3)
    assert chosen[-1] == SAMPLES[5]
    assert chosen == pool.choose(text, "en", 3)
    assert SAMPLES[5] not in pool.choose(SAMPLES[5].text, "en", 11)


def test_what_is_no_embedder_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="prepare-embedder"):
        TextEmbedder(tmp_path)
    with pytest.raises(ConfigurationError, match="option embedder"):
        ShotPool(SAMPLES, "embedding")
    with pytest.raises(ConfigurationError, match="random weights"):
        write_embedder(find_encoder("tiny"), tmp_path)
    (tmp_path / GRAPH).write_bytes(b"no graph")
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    with pytest.raises(GoldspanError, match="cannot be loaded"):
        TextEmbedder(tmp_path)
